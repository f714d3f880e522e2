// contracts
export { storageContract, type StorageClaim } from './storage-contract.js';
// faults and crashes
export { crashAt, type CrashOptions, type CrashStep } from './crash-at.js';
export { expectNoOrphans, type NoOrphansOptions } from './expect-no-orphans.js';
export { FailingStorage, type StorageFault, type StorageOperation } from './failing-storage.js';
