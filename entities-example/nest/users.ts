import {
  createParamDecorator,
  Injectable,
  UnauthorizedException,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';

/** A request after the guard. */
export interface LoggedIn {
  readonly headers: { readonly authorization?: string };
  user?: string;
}

const requestOf = (context: ExecutionContext) => context.switchToHttp().getRequest<LoggedIn>();

/** A stand-in for your login: it believes `Authorization: Bearer ada`. */
@Injectable()
export class AuthGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = requestOf(context);
    request.user = /^Bearer (\w{1,40})$/.exec(request.headers.authorization ?? '')?.[1];
    if (!request.user) throw new UnauthorizedException();
    return true;
  }
}

export const CurrentUser = createParamDecorator((_data: unknown, context: ExecutionContext) => requestOf(context).user);
