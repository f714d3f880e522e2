import { isFileFieldError, type FileFieldError } from '../../errors.js';
import { serviceError, type Answer } from '../shared/service-error.js';

/** What the SDK says about a failed request, as far as it is there. */
interface Failure {
  /** The reason of the service, such as `conditionNotMet`, or the code of a failure before there was an answer. */
  readonly reason: string;
  /** The HTTP status; undefined if there was no answer. */
  readonly status: number | undefined;
}

const credentials =
  'The client found no credentials that the service accepts: check its key, or the account of the machine; a key that was ' +
  'deleted has to be replaced, and the clock of this machine must be right.';
const permission =
  'The account of the client lacks a permission: give it the role "Storage Object User" (storage.objects.create, get, delete ' +
  'and list) on the bucket.';
const busy =
  'The service asks for fewer requests or is down: try again later; "retryOptions" of Storage set its patience.';
const quota = 'A quota of the project is exhausted: raise it, or wait until it is renewed.';
const billing = 'The project or its billing account is disabled: check it in the console.';
const held = 'A retention policy or a hold protects the object: wait until it ends, or remove it.';
export const noBucket = 'There is no such bucket: check its name, or create it.';
export const tooLarge = 'The object is larger than the service accepts: 5 TiB.';
export const otherBytes = 'The service stored other bytes than were sent: try again.';

/** The category of an answer, and a sentence: what happened, or, where the storage has failed, what to do. */
const known: Readonly<Record<string, Answer>> = {
  authError: ['storage_failed', credentials],
  required: ['storage_failed', credentials],
  invalid_grant: ['storage_failed', credentials],
  invalid_client: ['storage_failed', credentials],
  unauthorized_client: ['storage_failed', credentials],
  forbidden: ['storage_failed', permission],
  insufficientPermissions: ['storage_failed', permission],
  accountDisabled: ['storage_failed', billing],
  accessNotConfigured: ['storage_failed', billing],
  retentionPolicyNotMet: ['storage_failed', held],
  objectUnderActiveHold: ['storage_failed', held],
  quotaExceeded: ['no_space', quota],
  dailyLimitExceeded: ['unavailable', busy],
  rateLimitExceeded: ['unavailable', busy],
  userRateLimitExceeded: ['unavailable', busy],
  uploadTooLarge: ['storage_failed', tooLarge],
};

const byStatus: Readonly<Record<number, Answer>> = {
  401: ['storage_failed', credentials],
  402: ['storage_failed', billing],
  403: ['storage_failed', permission],
  404: ['not_found', 'There is no such object.'],
  408: ['unavailable', busy],
  412: ['already_exists', 'The key is taken.'],
  413: ['storage_failed', tooLarge],
  416: ['incomplete', 'The object ends before the range.'],
  429: ['unavailable', busy],
  500: ['unavailable', busy],
  502: ['unavailable', busy],
  503: ['unavailable', busy],
  504: ['unavailable', busy],
};

/**
 * A failure of the SDK as a `FileFieldError`; one that is a `FileFieldError` already is returned as it is. `action`
 * completes the sentence "The bucket could not …", and `missing` says what is missing if not the object. The message has
 * neither key nor address.
 */
export function googleError(cause: unknown, action: string, key?: string, missing?: string): FileFieldError {
  if (isFileFieldError(cause)) return cause;
  const { reason, status } = failureOf(cause);
  const notFound = status === 404 && missing !== undefined ? (['storage_failed', missing] as const) : undefined;
  const found = notFound ?? known[reason] ?? (status === undefined ? withoutAnswer(cause, reason) : byStatus[status]);
  return serviceError({ cause, key, failed: `The bucket could not ${action}`, facts: [reason, status], found });
}

/** Reason and status of an error of the SDK, of its library for credentials, or of a failed connection. */
export function failureOf(error: unknown): Failure {
  const { code, errors, response, status } = (typeof error === 'object' && error !== null ? error : {}) as {
    readonly code?: unknown;
    readonly status?: unknown;
    readonly errors?: unknown;
    readonly response?: { readonly status?: unknown; readonly data?: { readonly error?: unknown } };
  };
  const answered = response?.data?.error;
  const inner =
    typeof answered === 'object' && answered !== null ? (answered as { errors?: unknown }).errors : undefined;
  const reasons = [reasonIn(errors), reasonIn(inner), answered, code];
  const reason = reasons.find((text) => typeof text === 'string' && /^[A-Za-z][\w.]{2,63}$/.test(text));
  const number = [code, response?.status, status, Number(code)].find(
    (value): value is number => typeof value === 'number' && value >= 100 && value < 600,
  );
  return { reason: (reason as string | undefined) ?? '', status: number };
}

/** True for a failure after which the object may be there all the same. */
export function isUncertain(error: unknown): boolean {
  const { status, reason } = failureOf(error);
  // The client may have sent the request before, and have met its own object when it sent it again.
  if (status === 412) return true;
  return status === undefined ? !['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'].includes(reason) : status >= 500;
}

function withoutAnswer(cause: unknown, reason: string): Answer | undefined {
  if (String((cause as Error | undefined)?.message).includes('default credentials'))
    return ['storage_failed', credentials];
  const { name, type } = (cause ?? {}) as { readonly name?: unknown; readonly type?: unknown };
  const ofNetwork =
    /^E[A-Z_]{3,}$|TIMEOUT|ERR_STREAM_PREMATURE_CLOSE/.test(reason) ||
    name === 'FetchError' ||
    typeof type === 'string';
  // Without an answer, the service may be there later.
  return ofNetwork
    ? [
        'unavailable',
        'No answer came: check that the service can be reached from here; the option "timeout" of Storage sets how long the client waits.',
      ]
    : undefined;
}

function reasonIn(errors: unknown): unknown {
  return Array.isArray(errors) ? (errors[0] as { readonly reason?: unknown } | undefined)?.reason : undefined;
}
