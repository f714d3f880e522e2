import { STATUS_CODES } from 'node:http';

/** An error with an HTTP status and a JSON body for the client, in the format of `fileErrors()`. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly field?: string,
  ) {
    super(code);
    this.name = 'Refusal';
  }

  toJSON(): object {
    const { status: statusCode, code, field } = this;
    const text = STATUS_CODES[statusCode];
    return { statusCode, error: text, code, message: text, ...(field && { field }) };
  }
}

/** The error of a store when another row has the slug. */
export function slugTaken(): Refusal {
  return new Refusal(409, 'slug_taken', 'slug');
}
