import { FileFieldError, type FileFieldErrorCode } from '../../errors.js';

/** The category of an answer, and a sentence: what happened, or, where the storage has failed, what to do. */
export type Answer = readonly [FileFieldErrorCode, string];

/** A failure of a service, as its SDK reports it. */
export interface ServiceFailure {
  readonly cause: unknown;
  readonly key: string | undefined;
  /** What the service could not do, such as "The bucket could not write an object". */
  readonly failed: string;
  /** Code, status and the like, as far as they are known. */
  readonly facts: readonly unknown[];
  /** What is known about the answer. */
  readonly found: Answer | undefined;
}

/** The failure as an error of this library. The message has neither key nor address. */
export function serviceError({ cause, key, failed, facts, found }: ServiceFailure): FileFieldError {
  const [category, sentence] = found ?? ['storage_failed', 'The cause of this error has the answer.'];
  const context = { ...(key !== undefined && { key }), cause };
  // What happened to the object needs no advice about the service.
  if (category !== 'storage_failed' && category !== 'unavailable') {
    return new FileFieldError(category, sentence, context);
  }
  return new FileFieldError(
    category,
    `${failed} (${facts.filter(Boolean).join(', ') || 'no code'}). ${sentence}`,
    context,
  );
}

/** Without an answer, the service may be there later. */
export const unanswered: Answer = [
  'unavailable',
  'No answer came: check that the endpoint of the client can be reached from here.',
];
