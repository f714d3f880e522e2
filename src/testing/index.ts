export { expectDownload, type ExpectedDownload } from './expect-download.js';
export { runView, type ViewRequest, type ViewResult } from './run-view.js';
export { storageContract, type StorageClaim } from './storage-contract.js';
export { temporaryStorage, TemporaryStorage } from './temporary-storage.js';
