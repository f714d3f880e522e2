// contracts
export { storageContract, type StorageClaim, type StorageContractOptions } from './storage-contract.js';
// views without a server
export { runView, type ViewRequest, type ViewResult } from './run-view.js';
export { expectDownload, type ExpectedDownload } from './expect-download.js';
// storages, faults and crashes
export { temporaryStorage, TemporaryStorage } from './temporary-storage.js';
export { seedFile } from './seed-file.js';
export { FailingStorage, type StorageFault, type StorageOperation } from './failing-storage.js';
export { crashAt, type CrashOptions, type CrashStep } from './crash-at.js';
export { expectNoOrphans, type NoOrphansOptions } from './expect-no-orphans.js';
