// storages and the files they keep
export { StorageRegistry } from './file/registry.js';
export { StoredFile, isStoredFile, type StoredFileJson } from './file/stored-file.js';
export type { ListedObject, ObjectInfo, ObjectBody, Storage, WriteOptions } from './file/storage.js';
export type { ByteRange, FileBody } from './file/body.js';
export type { FileSource, LoadHint, LocatedFile, UrlOptions } from './file/file.js';
export type { FileDescriptor } from './file/descriptor.js';
export { checkKey } from './file/key.js';
// keeping
export type { AttachOptions } from './fields/attach.js';
export type { CheckedUpload, FileFieldOptions } from './fields/field-options.js';
export type { Files, StageAllOptions, StageOptions } from './fields/files.js';
export type { Received, ReceiveOptions } from './fields/receive.js';
export type { FileInMemory, FileOnDisk, UploadedFile, UploadSource } from './file/upload.js';
export type { FilesEvents, ObjectName, Slot } from './events.js';
export type { LedgerOptions } from './ledger/ledger.js';
export type { CopyPolicy, FilePolicies, RetainFor, Retention } from './ledger/policies.js';
export type { ReconcileCursor, ReconcileOptions, ReconcileReport } from './ledger/reconcile.js';
export type { SweepOptions, SweepReport } from './ledger/sweep.js';
export {
  columnTriggers,
  type EntityTriggerOptions,
  type FileTriggerColumn,
  type FileTriggerOptions,
} from './ledger/triggers.js';
export type { DialectName, Statements } from './ledger/dialect.js';
export { ledgerSchema, ledgerTables } from './ledger/schema.js';
// sources
export { localFile, type LocalFileOptions } from './sources/local-file.js';
export { remoteFile, type RemoteFileOptions } from './sources/remote-file.js';
export { rootedFile, type RootedFileOptions } from './sources/rooted-file.js';
export { storageFile, type StorageFileOptions } from './sources/storage-file.js';
export type { UpstreamOptions } from './sources/upstream.js';
export { virtualFile, type VirtualFileOptions } from './sources/virtual-file.js';
// views
export { downloadView, type Found } from './views/download-view.js';
export type { Choice, DownloadViewOptions, Hook, SignatureOptions } from './views/view-options.js';
export { httpDownloadView, type HttpDownloadViewOptions } from './views/http-download-view.js';
export type { SendFileOptions } from './views/local.js';
export { objectDownloadView, type ObjectDownloadViewOptions } from './views/object-download-view.js';
export { pathDownloadView, type PathDownloadViewOptions } from './views/path-download-view.js';
export type { Requested, RouteParams } from './views/requested.js';
export type { PrecompressedOptions } from './views/precompressed.js';
export { storageDownloadView, type StorageDownloadViewOptions } from './views/storage-download-view.js';
export { virtualDownloadView } from './views/virtual-download-view.js';
export type { ColumnKind, EntityRef, FileFieldOf, ObjectFinder } from './file/entity.js';
// responses
export type { DownloadRequest } from './response/request.js';
export type {
  Delivery,
  DeliveryChoice,
  DownloadHandler,
  DownloadHooks,
  DownloadProgress,
  Download,
} from './response/download.js';
export type { StoredEncoding } from './http/encoding.js';
export type { PreparedResponse } from './response/prepared-response.js';
export { respond } from './response/respond.js';
// deliveries
export { caddyFileServer, type CaddyFileServerOptions } from './fronts/caddy/delivery.js';
export type { DeliveryEvent, ExplainOptions, StreamReason } from './fronts/explain.js';
export type { HandOverOptions } from './fronts/hand-over.js';
export type { AccelOptions } from './fronts/nginx/accel-headers.js';
export { xAccelRedirect, type XAccelRedirectOptions } from './fronts/nginx/delivery.js';
export {
  storagePlaces,
  type HandOverFolders,
  type PathMapping,
  type Place,
  type StorageMap,
  type WithFolder,
} from './fronts/places.js';
export { redirect, type RedirectOptions } from './fronts/redirect.js';
export { deliveryRules, type DeliveryRule } from './fronts/rules.js';
export { xSendfile, type XSendfileOptions } from './fronts/x-sendfile.js';
// configurations of the servers in front
export { frontConfiguration } from './fronts/configuration.js';
export type { FrontName, SendfileFrontName } from './fronts/fronts.js';
export type { FrontRemote, FrontSetup } from './fronts/setup.js';
// signed URLs
export {
  createSigner,
  type SignatureFault,
  type SignedRequest,
  type Signer,
  type SigningKey,
  type SignOptions,
  type Verified,
} from './signing.js';
export type { ByteSize, Duration, DurationUnit, SizeUnit } from './options.js';
// errors
export {
  FileFieldError,
  isFileFieldError,
  type ErrorContext,
  type FileFieldErrorCode,
  type FileFieldErrorOptions,
} from './errors.js';
export { errorBody, errorStatus, HttpError, type ErrorBody } from './response/http-error.js';
