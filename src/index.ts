// storages and the files they keep
export { StorageRegistry } from './registry.js';
export { StoredFile, isStoredFile } from './stored-file.js';
export type { ListedObject, ObjectInfo, ObjectReader, Storage, WriteOptions } from './storage.js';
export type { ByteRange, FileBody, FileSource, LoadHint, LocatedFile, UrlOptions } from './file.js';
export type { FileDescriptor } from './descriptor.js';
export { checkKey } from './key.js';
// keeping
export type { Files, StageAllOptions, StageInfo } from './fields/files.js';
export type { FilesEvents } from './events.js';
export type { CheckedUpload, FileFieldOptions } from './fields/options.js';
export type { Received, ReceiveOptions } from './fields/receive.js';
export type { UploadedFile, UploadSource } from './upload.js';
export type { LedgerOptions } from './ledger/ledger.js';
export type { ReconcileCursor, ReconcileOptions, ReconcileReport } from './ledger/reconciler.js';
export type { SweepOptions, SweepReport } from './ledger/sweeper.js';
export { fileTriggers, type FileTriggerColumn, type FileTriggerOptions } from './fields/file-triggers.js';
export { ledgerSchema, ledgerTables } from './ledger/schema.js';
// sources
export { localFile, type LocalFileOptions } from './sources/local.js';
export { remoteFile, type RemoteFileOptions } from './sources/remote.js';
export { rootedFile, type RootedFileOptions } from './sources/rooted.js';
export { storageFile, type StorageFileOptions } from './sources/storage.js';
export type { UpstreamOptions } from './sources/upstream.js';
export { virtualFile, type VirtualFileOptions } from './sources/virtual.js';
// views
export { downloadView, type Found } from './views/download-view.js';
export type { Choice, DownloadViewOptions, Hook, SignatureOptions } from './views/options.js';
export { httpDownloadView, type HttpDownloadViewOptions } from './views/http.js';
export type { SendFileOptions } from './views/local.js';
export { objectDownloadView, type ObjectDownloadViewOptions } from './views/object.js';
export { pathDownloadView, type PathDownloadViewOptions } from './views/path.js';
export type { Requested, RouteParams } from './views/requested.js';
export type { PrecompressedOptions } from './views/precompressed.js';
export { storageDownloadView, type StorageDownloadViewOptions } from './views/storage.js';
export { virtualDownloadView } from './views/virtual.js';
export type { ColumnKind, EntityRef, FileFieldOf, ObjectFinder } from './entity.js';
// responses
export type { DownloadRequest } from './response/request.js';
export type {
  Delivery,
  DeliveryChoice,
  DownloadHandler,
  DownloadHooks,
  DownloadProgress,
  DownloadResponse,
} from './response/response.js';
export type { StoredEncoding } from './response/accept-encoding.js';
export type { Answer } from './response/answer.js';
export { respond } from './response/respond.js';
// deliveries
export { caddyFileServer, type CaddyFileServerOptions } from './delivery/caddy-file-server.js';
export { deliveryRules, type DeliveryRule } from './delivery/delivery-rules.js';
export type { DeliveryEvent, StreamReason } from './delivery/explain.js';
export type { HandOverOptions } from './delivery/hand-over-options.js';
export type { PathMapping, Places } from './delivery/path-mapping.js';
export { redirect, type RedirectOptions } from './delivery/redirect.js';
export { storagePlaces, type Place } from './delivery/storage-places.js';
export { xAccelRedirect, type XAccelRedirectOptions } from './delivery/x-accel-redirect.js';
export { xSendfile, type XSendfileOptions } from './delivery/x-sendfile.js';
export type { AccelOptions } from './delivery/x-accel-headers.js';
// configurations of the servers in front
export { proxyConfiguration, type ProxyServer } from './proxies/proxy-configuration.js';
export type { ProxyRemote, ProxySetup } from './proxies/proxy-setup.js';
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
export type { Duration } from './duration.js';
// errors
export { FileFieldError, isFileFieldError, type ErrorContext, type FileFieldErrorCode } from './errors.js';
export { errorBody, errorStatus, HttpError, type ErrorBody } from './response/error-status.js';
