// storages and the files they keep
export { StorageRegistry, type RegistryOptions } from './file/registry.js';
export { StoredFile, isStoredFile, type StoredFileJson } from './file/stored-file.js';
export type {
  ListedObject,
  MovableFile,
  ObjectInfo,
  ObjectBody,
  Storage,
  TakenFile,
  WriteOptions,
} from './file/storage.js';
export type { ByteRange, FileBody } from './file/body.js';
export type { FileSource, LoadHint, LocatedFile, UrlOptions } from './file/file.js';
export type { FileDescriptor } from './file/descriptor.js';
export { checkKey } from './file/key.js';
// keeping
export type { AttachOptions } from './fields/attach.js';
export type { ColumnOf, Comparable, RowConditions } from './fields/delete-many.js';
export type {
  CheckedUpload,
  DecoratedName,
  DecoratedValue,
  FileFieldOptions,
  MediaTypePattern,
  StorageChoice,
  StorageQuestion,
} from './fields/field-options.js';
export type { Files } from './fields/files.js';
export type { MoveOptions, MoveProgress, MoveReport } from './fields/move.js';
export type { AdoptOptions, AdoptProgress, AdoptReport, AdoptSettings, LeftRow } from './fields/adopt-report.js';
export type { AdoptSource } from './fields/adopt-source.js';
export type { StageOptions } from './fields/stage.js';
export type { StageAllOptions } from './fields/stage-all.js';
export type { FormFields } from './fields/forms/collector.js';
export type { FastifyLikeRequest, FormRequest, KoaLikeContext, NodeRequest } from './fields/forms/form-request.js';
export type { FormProgress, ReceiveOptions } from './fields/forms/limits.js';
export type { FormNames, Receive, Received, ReceivedFields } from './fields/forms/receive.js';
export type { FileInMemory, GraphqlFile, MultipartFile, UploadSource } from './fields/upload-source.js';
export type { FileOnDisk, MulterProperties } from './file/local-upload.js';
export type { FilesEvents, ObjectName, Slot, UnprotectedColumns } from './events.js';
export type { LedgerOptions } from './ledger/ledger.js';
export type { CopyPolicy, FilePolicies, RetainFor, Retention } from './ledger/policies.js';
export type { ReconcileCursor, ReconcileOptions, ReconcileReport } from './ledger/reconcile.js';
export type { LedgerSample } from './ledger/sample.js';
export type { ForeignColumn, LedgerStatus, StatusOptions, StorageCondition, StorageStatus } from './ledger/status.js';
export type { ForgetOptions, SweepOptions, SweepReport } from './ledger/sweep.js';
export {
  columnProtection,
  type EntityProtectionOptions,
  type ProtectedColumn,
  type ProtectionOptions,
} from './ledger/protection.js';
export type { DialectName, Statements } from './ledger/dialect.js';
export { fileObjectSchema, fileObjectTables } from './storages/database/object-tables.js';
export { ledgerSchema, ledgerTables, type LedgerSchemaOptions } from './ledger/schema.js';
// sources
export { dataUri, type DataUriOptions } from './sources/data-uri.js';
export { localFile, type FolderOptions, type LocalFileOptions } from './sources/local-file.js';
export { remoteFile, type RemoteFileOptions } from './sources/remote-file.js';
export { storageFile, type StorageFileOptions } from './sources/storage-file.js';
export type { UpstreamOptions } from './sources/upstream.js';
export { virtualFile, type VirtualContent, type VirtualFileOptions } from './sources/virtual-file.js';
// views
export { downloadView, type Found } from './views/download-view.js';
export type {
  Choice,
  DownloadViewOptions,
  Hook,
  Requested,
  RouteParams,
  SignatureOptions,
} from './views/view-options.js';
export { httpView, type HttpViewOptions } from './views/http-view.js';
export { objectView, type ObjectViewOptions } from './views/object-view.js';
export { pathView, type PathViewOptions, type SendFileOptions } from './views/path-view.js';
export type { PrecompressedOptions } from './views/precompressed.js';
export { storageView, type StorageOf, type StorageViewOptions } from './views/storage-view.js';
export { virtualView, type MakeVirtualFile, type VirtualViewOptions } from './views/virtual-view.js';
export type { ColumnKind } from './file/column.js';
export type { EntityRef, FileFieldOf, FindOptions, ObjectFinder } from './file/entity.js';
// responses
export type { DownloadRequest } from './response/request.js';
export type { Delivery, DeliveryChoice, Download, DownloadHandler, PreparedResponse } from './response/download.js';
export type { MountedView } from './send/mounted-view.js';
export type { DownloadHooks, DownloadProgress } from './response/hooks.js';
export type { StoredEncoding } from './http/encoding.js';
export type { DownloadEvent, ViewKind } from './response/observed.js';
export { respond } from './response/respond.js';
export type { AdapterOptions, RunOptions } from './send/run.js';
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
  type InvalidSignature,
  type SignatureFault,
  type SignedRequest,
  type Signer,
  type SignOptions,
  type ValidSignature,
  type Verified,
} from './signing.js';
export type { SigningKey } from './keys.js';
export type { TicketOptions } from './fields/tickets.js';
export type { ByteSize, Duration, DurationUnit, SizeUnit } from './options.js';
// errors
export {
  FileFieldError,
  isFileFieldError,
  type ErrorContext,
  type FileFieldErrorCode,
  type FileFieldErrorOptions,
} from './errors.js';
export {
  errorBody,
  errorStatus,
  HttpError,
  problemDetails,
  type ErrorBody,
  type FileErrorsOptions,
  type ProblemDetails,
} from './response/http-error.js';
