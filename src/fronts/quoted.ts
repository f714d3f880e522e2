import { FileFieldError } from '../errors.js';

/** How a server writes text that may hold anything. */
export interface Quoting {
  readonly server: string;
  /** What it would take for something else even between quotes. */
  readonly unfit: RegExp;
  /** Between double quotes. */
  readonly escape: (text: string) => string;
}

/** A folder as the server's configuration must have it; throws `invalid_option` where there is no way to say it. */
export function quoted(folder: string, { server, unfit, escape }: Quoting): string {
  const found = unfit.exec(folder)?.[0];
  if (found === undefined) return `"${escape(folder)}"`;
  throw new FileFieldError(
    'invalid_option',
    `The folder ${JSON.stringify(folder)} cannot be named in the configuration of ${server}, for which ${found} means something else: rename it.`,
  );
}
