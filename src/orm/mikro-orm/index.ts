// fields of entities
export {
  FileField,
  fileProperty,
  fileType,
  type FileFieldDecorator,
  type FileProperty,
  type FileTypeClass,
} from './file-field.js';
// start-up and migrations
export { attachFiles } from './attach-files.js';
export {
  createFileObjects,
  createLedger,
  dropFileObjects,
  dropLedger,
  type MigrationTarget,
  type MikroInstance,
  type MikroMigration,
} from './migrations.js';
export { databaseStorage } from './database-storage.js';
export { protectFiles, unprotectFiles } from './protect-files.js';
export { withFiles } from './with-files.js';
// types of the above
export type { AttachOptions } from '../../fields/attach.js';
export type { Files } from '../../fields/files.js';
export type { StageOptions } from '../../fields/stage.js';
export type { StageAllOptions } from '../../fields/stage-all.js';
export type { FilesEvents } from '../../events.js';
export type { CheckedUpload, FileFieldOptions, MediaTypePattern } from '../../fields/field-options.js';
export type { FormFields } from '../../fields/forms/collector.js';
export type { FastifyLikeRequest, FormRequest, KoaLikeContext, NodeRequest } from '../../fields/forms/form-request.js';
export type { FormProgress, ReceiveOptions } from '../../fields/forms/limits.js';
export type { FormNames, Receive, Received, ReceivedFields } from '../../fields/forms/receive.js';
export type { CopyPolicy, FilePolicies, RetainFor, Retention } from '../../ledger/policies.js';
export type { ReconcileCursor, ReconcileOptions, ReconcileReport } from '../../ledger/reconcile.js';
export type { SweepOptions, SweepReport } from '../../ledger/sweep.js';
export type { EntityProtectionOptions, ProtectionOptions } from '../../ledger/protection.js';
export type { DatabaseStorageOptions } from '../../storages/database.js';
export type { StoredFile } from '../../file/stored-file.js';
