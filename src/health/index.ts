// checks
export { deliveryCheck, type DeliveryCheck, type DeliveryCheckOptions } from './delivery-check.js';
export type { Certificates } from './front-client.js';
export { healthCheck, type NotChecked, type WalkLink } from './health-check.js';
export { ledgerCheck, type LedgerCheckOptions } from './ledger-check.js';
export { storageCheck, type StorageCheck, type StorageCheckOptions } from './storage-check.js';
export { viewCheck, type ViewCheckOptions } from './view-check.js';
export type { Check, CheckResult, CheckRun, LinkResult } from './check-result.js';
// running them
export { healthHandler, type HealthHandlerOptions } from './health-handler.js';
export type { CheckReport, HealthReport } from './health-report.js';
export type { CheckResults, Checks } from './run-checks.js';
