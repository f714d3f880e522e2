import { isFileFieldError, type FileFieldError } from '../../errors.js';
import { serviceError, unanswered, type Answer } from '../shared/service-error.js';

/** What the SDK says about a failed request, as far as it is there. */
interface Failure {
  /** The code of the service, such as `BlobNotFound`, or the name of a failure before there was an answer. */
  readonly code: string;
  /** The HTTP status; undefined if there was no answer. */
  readonly status: number | undefined;
}

const identity =
  'The service does not accept the credentials: check the account key or the shared access signature of the client, whether ' +
  'it has expired, and the clock of this machine.';
const expired =
  'The token has expired, or is for another tenant or service: give the client a credential that renews it, and check the ' +
  'clock of this machine.';
const permission =
  'The credentials of the client lack a permission: give them the role "Storage Blob Data Contributor" for the container, or ' +
  'a shared access signature that may read, create, write, delete and list.';
const network =
  'The account refuses this client: check its firewall and network rules, and whether it allows this kind of credential and ' +
  'connections without encryption.';
const container = 'There is no such container: check the name that the client was made with, or create it.';
const busy =
  'The service asks for fewer requests or is down: try again later; "retryOptions" of the client set its patience.';
const full = 'The account is full: raise its quota, or delete objects.';
export const tooLarge = 'The object is larger than this storage writes: 5 TiB.';
const checksum =
  'The service received other bytes than were sent: try again; if it happens again, look for a faulty network.';
const vault = 'The encryption key cannot be used: check the option "encryptionScope" and the access to its key vault.';
const archive = 'The object is in the archive tier: rehydrate it before it is read.';
const held = 'A policy, a legal hold or a lease protects the object: remove it first.';
const disabled = 'The account is disabled or still being created: check it in the portal.';

/** The category of an answer, and a sentence: what happened, or, where the storage has failed, what to do. */
const known: Readonly<Record<string, Answer>> = {
  BlobNotFound: ['not_found', 'There is no such object.'],
  ResourceNotFound: ['not_found', 'There is no such object.'],
  AbortError: ['aborted', 'The request was aborted.'],
  BlobAlreadyExists: ['already_exists', 'The key is taken.'],
  // A shared access signature that may create, but not write, says so.
  UnauthorizedBlobOverwrite: ['already_exists', 'The key is taken.'],
  InvalidRange: ['incomplete', 'The object ends before the range.'],
  ContainerNotFound: ['storage_failed', container],
  ContainerBeingDeleted: ['storage_failed', container],
  ContainerDisabled: ['storage_failed', container],
  AuthenticationFailed: ['storage_failed', identity],
  NoAuthenticationInformation: ['storage_failed', identity],
  InvalidAuthenticationInfo: ['storage_failed', expired],
  ExpiredAuthenticationToken: ['storage_failed', expired],
  CredentialUnavailableError: ['storage_failed', 'The client found no credentials: give it some, or an identity.'],
  AuthenticationRequiredError: ['storage_failed', 'The client found no credentials: give it some, or an identity.'],
  AggregateAuthenticationError: ['storage_failed', 'The client found no credentials: give it some, or an identity.'],
  AuthorizationPermissionMismatch: ['storage_failed', permission],
  AuthorizationResourceTypeMismatch: ['storage_failed', permission],
  AuthorizationServiceMismatch: ['storage_failed', permission],
  InsufficientAccountPermissions: ['storage_failed', permission],
  // Azure uses it for the network, Azurite for a wrong key.
  AuthorizationFailure: ['storage_failed', `${network} ${identity}`],
  AuthorizationProtocolMismatch: ['storage_failed', network],
  AuthorizationSourceIPMismatch: ['storage_failed', network],
  KeyBasedAuthenticationNotPermitted: ['storage_failed', network],
  PublicAccessNotPermitted: ['storage_failed', identity],
  AccountIsDisabled: ['storage_failed', disabled],
  AccountBeingCreated: ['storage_failed', disabled],
  Md5Mismatch: ['storage_failed', checksum],
  Crc64Mismatch: ['storage_failed', checksum],
  RequestBodyTooLarge: ['storage_failed', tooLarge],
  BlobArchived: ['storage_failed', archive],
  BlobBeingRehydrated: ['storage_failed', archive],
  BlobImmutableDueToPolicy: ['storage_failed', held],
  LeaseIdMissing: ['storage_failed', held],
  KeyVaultAccessTokenCannotBeAcquired: ['storage_failed', vault],
  KeyVaultEncryptionKeyNotFound: ['storage_failed', vault],
  KeyVaultVaultNotFound: ['storage_failed', vault],
  ServerBusy: ['unavailable', busy],
  InternalError: ['unavailable', busy],
  OperationTimedOut: ['unavailable', busy],
  TooManyRequests: ['unavailable', busy],
  InsufficientStorage: ['no_space', full],
};

/** Answers without a code that is known. A 404 is not here: without its code it may be about the container or the account. */
const byStatus: Readonly<Record<number, Answer>> = {
  401: ['storage_failed', identity],
  403: ['storage_failed', identity],
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
 * completes the sentence "The container could not …". The message has neither key nor address.
 */
export function azureError(cause: unknown, action: string, key?: string): FileFieldError {
  if (isFileFieldError(cause)) return cause;
  const { code, status } = failureOf(cause);
  const withoutAnswer = isOfNetwork(cause, code) ? unanswered : undefined;
  const found = known[code] ?? (status === undefined ? withoutAnswer : byStatus[status]);
  return serviceError({ cause, key, failed: `The container could not ${action}`, facts: [code, status], found });
}

/** Code and status of an error of the SDK. */
export function failureOf(error: unknown): Failure {
  const { name, code, statusCode, details } = (typeof error === 'object' && error !== null ? error : {}) as {
    readonly name?: unknown;
    readonly code?: unknown;
    readonly statusCode?: unknown;
    readonly details?: { readonly errorCode?: unknown };
  };
  const status = typeof statusCode === 'number' ? statusCode : undefined;
  // An answer to HEAD has its code in a header only. "RestError" is the class of all errors.
  const texts = [details?.errorCode, code, name].filter((text) => typeof text === 'string' && text !== 'RestError');
  const text = texts[0] as string | undefined;
  return { code: text && /^[A-Za-z][\w.]{2,63}$/.test(text) ? text : '', status };
}

/** True for a failure of a connection: other errors without a status come from the program or its credentials. */
function isOfNetwork(cause: unknown, code: string): boolean {
  return (cause as Error | undefined)?.name === 'RestError' || /^E[A-Z_]{3,}$/.test(code);
}

/** Failures before anything was sent. */
const neverSent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'CredentialUnavailableError']);

/** True if a write may have succeeded although it failed: no answer came, or one that says nothing about the object. */
export function isUncertain(error: unknown): boolean {
  const { code, status } = failureOf(error);
  // The client may have sent the request before, and have met its own object when it sent it again.
  return ['BlobAlreadyExists', 'UnauthorizedBlobOverwrite', 'InvalidBlockList', 'ConditionNotMet'].includes(code)
    ? true
    : !neverSent.has(code) && (status === undefined || status >= 500);
}
