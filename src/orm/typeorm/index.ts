// fields of entities
export { FileField, fileColumn } from './file-field.js';
// start-up and migrations
export { attachFiles } from './attach-files.js';
export { createLedger, dropLedger } from './ledger-migration.js';
export { createFileTriggers, dropFileTriggers, type EntityTriggerOptions } from './trigger-migration.js';
// what these speak of
export type { AttachOptions } from '../../ledger/attach-options.js';
export type { Files, StageAllOptions, StageInfo } from '../../fields/files.js';
export type { FilesEvents } from '../../events.js';
export type { CheckedUpload, FileFieldOptions } from '../../fields/field-options.js';
export type { Received, ReceiveOptions } from '../../fields/receive.js';
export type { ReconcileCursor, ReconcileOptions, ReconcileReport } from '../../ledger/reconciler.js';
export type { SweepOptions, SweepReport } from '../../ledger/sweeper.js';
export type { StoredFile } from '../../file/stored-file.js';
