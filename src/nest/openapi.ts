import type { StoredFile } from '../file/stored-file.js';

// The marks of @nestjs/swagger, which are the same since its version 4. A decorator cannot wait for an import of a package that
// may not be there.
const consumesKey = 'swagger/apiConsumes';
const parametersKey = 'swagger/apiParameters';
const modelsKey = 'swagger/apiExtraModels';
const propertiesKey = 'swagger/apiModelPropertiesArray';
const propertyKey = 'swagger/apiModelProperties';

// How @nestjs/common notes the parameters of a handler: `<kind>:<index>`.
const argumentsKey = '__routeArguments__';
const bodyKind = '3';

const binary = { type: 'string', format: 'binary' } as const;

/** How a file field looks in a document of OpenAPI. */
const schemaOf = (many: boolean) => (many ? { type: 'array', items: binary } : binary);

/** Describes the form of a handler in the document of `@nestjs/swagger`, beside what the class of its `@Body()` says. */
export function describeForm(
  prototype: object,
  method: string | symbol,
  handler: object,
  fields: Readonly<Record<string, boolean>>,
): void {
  const properties = Object.fromEntries(Object.entries(fields).map(([name, many]) => [name, schemaOf(many)]));
  const form = { type: 'object', properties };
  const dto = bodyClass(prototype, method);
  if (dto) append(modelsKey, dto, handler);
  const schema = dto ? { allOf: [{ $ref: `#/components/schemas/${dto.name}` }, form] } : form;
  Reflect.defineMetadata(consumesKey, ['multipart/form-data'], handler);
  const described = (Reflect.getMetadata(parametersKey, handler) ?? []) as readonly { readonly in?: string }[];
  // A body that the application describes itself stays.
  if (!described.some((parameter) => parameter.in === 'body')) {
    append(parametersKey, { in: 'body', required: true, type: String, schema }, handler);
  }
}

/** Describes a property of a class for forms as a file. Without it, the compiler plugin would describe a `StoredFile`. */
export function describeFile(prototype: object, property: string, many: boolean): void {
  describeProperty(prototype, property, many ? { ...binary, isArray: true } : binary);
}

/** Describes a property of a class; what `@ApiProperty()` says of it stays where this says nothing. */
export function describeProperty(prototype: object, property: string, schema: object): void {
  const names = (Reflect.getMetadata(propertiesKey, prototype) ?? []) as readonly string[];
  if (!names.includes(`:${property}`)) append(propertiesKey, `:${property}`, prototype);
  const described = (Reflect.getMetadata(propertyKey, prototype, property) ?? {}) as object;
  Reflect.defineMetadata(propertyKey, { required: true, ...described, ...schema }, prototype, property);
}

/** The class of the parameter with `@Body()`, if it is one of the application. */
function bodyClass(prototype: object, method: string | symbol): { readonly name: string } | undefined {
  const parameters = (Reflect.getMetadata(argumentsKey, prototype.constructor, method) ?? {}) as Readonly<
    Record<string, { readonly index: number; readonly data?: unknown }>
  >;
  const whole = Object.entries(parameters).find(([key, { data }]) => key.startsWith(`${bodyKind}:`) && !data);
  const types = (Reflect.getMetadata('design:paramtypes', prototype, method) ?? []) as readonly (
    (new () => StoredFile) | undefined
  )[];
  const type: { readonly name: string } | undefined = whole && types[whole[1].index];
  return type && ![Object, String, Array].some((builtIn) => builtIn === type) ? type : undefined;
}

function append(key: string, value: unknown, target: object): void {
  const before = (Reflect.getMetadata(key, target) ?? []) as readonly unknown[];
  Reflect.defineMetadata(key, [...before, value], target);
}
