export { storageContract, type StorageClaim } from './storage-contract.js';
