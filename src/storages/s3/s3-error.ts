import { isFileFieldError, type FileFieldError } from '../../errors.js';
import { serviceError, unanswered, type Answer } from '../shared/service-error.js';

/** What the SDK says about a failed request, as far as it is there. */
interface Failure {
  /** The code of the server, such as `NoSuchKey`, or the class of a failure before there was an answer. */
  readonly code: string;
  /** The HTTP status; undefined if there was no answer. */
  readonly status: number | undefined;
  /** The requests that were sent, retries included. */
  readonly attempts: number;
}

const region =
  'The bucket is in another region, or behind another endpoint: check the options "region" and "endpoint" of the client.';
const credentials =
  'The credentials have expired: give the client a provider that renews them, instead of a fixed session token.';
const clock = 'The clock of this machine is wrong: set it by NTP; the server allows 15 minutes.';
const permission =
  'The credentials of the client lack a permission: allow s3:GetObject, s3:PutObject, s3:DeleteObject and ' +
  's3:AbortMultipartUpload on the objects, and s3:ListBucket on the bucket; without the last, a missing object is refused too.';
const refused =
  'The server refuses the request and does not say why: check the region, credentials and permissions of the client, and ' +
  'the clock of this machine.';
const identity = 'The server does not accept the credentials: check the access key and the secret of the client.';
const busy =
  'The server asks for fewer requests or is down: try again later; "maxAttempts" of the client sets its patience.';
const full = 'The quota of the bucket or the disk of the server is full: free space, or raise the quota.';
export const tooLarge =
  'The object is larger than the server accepts: S3 keeps at most 5 TiB in one object, and other servers less.';
const checksum =
  'The server received other bytes than were sent: try again; if it happens again, look for a faulty network.';
const kms = 'The encryption key cannot be used: check the option "encryption" and the policy of the key.';

/** The category of an answer, and a sentence: what happened, or, where the storage has failed, what to do. */
const known: Readonly<Record<string, Answer>> = {
  NoSuchKey: ['not_found', 'There is no such object.'],
  NotFound: ['not_found', 'There is no such object.'],
  AbortError: ['aborted', 'The request was aborted.'],
  PreconditionFailed: ['already_exists', 'The key is taken.'],
  KeyTooLongError: ['invalid_key', 'The key is too long for the server.'],
  InvalidRange: ['incomplete', 'The object ends before the range.'],
  NoSuchBucket: ['storage_failed', 'There is no such bucket: check the option "bucket", or create it.'],
  PermanentRedirect: ['storage_failed', region],
  TemporaryRedirect: ['storage_failed', region],
  AuthorizationHeaderMalformed: ['storage_failed', region],
  IllegalLocationConstraintException: ['storage_failed', region],
  RequestTimeTooSkewed: ['storage_failed', clock],
  RequestExpired: ['storage_failed', clock],
  ExpiredToken: ['storage_failed', credentials],
  ExpiredTokenException: ['storage_failed', credentials],
  TokenRefreshRequired: ['storage_failed', credentials],
  CredentialsProviderError: ['storage_failed', 'The client found no credentials: give it some, or a role.'],
  InvalidAccessKeyId: ['storage_failed', identity],
  InvalidToken: ['storage_failed', identity],
  SignatureDoesNotMatch: ['storage_failed', identity],
  AccessDenied: ['storage_failed', permission],
  AllAccessDisabled: ['storage_failed', permission],
  Forbidden: ['storage_failed', permission],
  ConditionalRequestConflict: ['storage_failed', 'Another request changed the same key meanwhile: try again.'],
  EntityTooLarge: ['storage_failed', tooLarge],
  BadDigest: ['storage_failed', checksum],
  XAmzContentSHA256Mismatch: ['storage_failed', checksum],
  QuotaExceeded: ['no_space', full],
  InsufficientStorage: ['no_space', full],
  XMinioStorageFull: ['no_space', full],
  XMinioAdminBucketQuotaExceeded: ['no_space', full],
  SlowDown: ['unavailable', busy],
  ServiceUnavailable: ['unavailable', busy],
  InternalError: ['unavailable', busy],
  TooManyRequests: ['unavailable', busy],
  RequestLimitExceeded: ['unavailable', busy],
  InvalidObjectState: ['storage_failed', 'The object is in an archive: restore it before it is read.'],
  'KMS.NotFoundException': ['storage_failed', kms],
  'KMS.DisabledException': ['storage_failed', kms],
  'KMS.KMSInvalidStateException': ['storage_failed', kms],
};

/** Answers without a code, as to HEAD, which have no body, and codes that only some servers have. */
const byStatus: Readonly<Record<number, Answer>> = {
  301: ['storage_failed', region],
  307: ['storage_failed', region],
  400: ['storage_failed', refused],
  403: ['storage_failed', refused],
  404: ['not_found', 'There is no such object.'],
  412: ['already_exists', 'The key is taken.'],
  413: ['storage_failed', tooLarge],
  416: ['incomplete', 'The object ends before the range.'],
  429: ['unavailable', busy],
  500: ['unavailable', busy],
  502: ['unavailable', busy],
  503: ['unavailable', busy],
  504: ['unavailable', busy],
  507: ['no_space', full],
};

/**
 * A failure of the SDK as a `FileFieldError`; one that is a `FileFieldError` already is returned as it is. `action`
 * completes the sentence "The bucket could not …". The message has neither key nor address.
 */
export function s3Error(cause: unknown, action: string, key?: string): FileFieldError {
  if (isFileFieldError(cause)) return cause;
  const { code, status, attempts } = failureOf(cause);
  const found = known[code] ?? (status === undefined ? unanswered : byStatus[status]);
  const facts = [code, status, attempts > 1 && `${attempts} attempts`];
  return serviceError({ cause, key, failed: `The bucket could not ${action}`, facts, found });
}

/** Code, status and attempts of an error of the SDK. */
export function failureOf(error: unknown): Failure {
  const { name, code, $metadata } = (typeof error === 'object' && error !== null ? error : {}) as {
    readonly name?: unknown;
    readonly code?: unknown;
    readonly $metadata?: { readonly httpStatusCode?: number; readonly attempts?: number };
  };
  const status = $metadata?.httpStatusCode;
  // Errors of the network have their name in `code`: ECONNREFUSED.
  const text = status === undefined && typeof code === 'string' ? code : typeof name === 'string' ? name : '';
  // "Unknown" stands for an answer without a body.
  return {
    code: /^(?!Unknown)[A-Za-z][\w.]{2,63}$/.test(text) ? text : '',
    status,
    attempts: $metadata?.attempts ?? 1,
  };
}

/** Failures before anything was sent. */
const neverSent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'CredentialsProviderError']);

/** True if a write may have succeeded although it failed: no answer came, or one that says nothing about the object. */
export function isUncertain(error: unknown): boolean {
  const { code, status, attempts } = failureOf(error);
  if (attempts === 1 && neverSent.has(code)) return false;
  return status === undefined || status >= 500 || code === 'NoSuchUpload' || attempts > 1;
}
