// the module and what it provides
export {
  FilesModule,
  type FilesModuleAsyncOptions,
  type FilesModulePlace,
  type FilesOptionsFactory,
} from './files-module.js';
export type { FilesModuleOptions } from './files-lifecycle.js';
export { getFilesToken, getStoragesToken, InjectFiles } from './tokens.js';
// routes
export { Download, DownloadedRow, type DownloadOptions } from './download-route.js';
export { FileDownloads, type SendOptions } from './file-downloads.js';
export { ReceiveFiles, type ReceiveFilesOptions } from './receive-files.js';
export { toStreamable, type ToStreamableOptions } from './streamable.js';
// errors and health
export { FileErrorsFilter } from './file-errors-filter.js';
export {
  FilesHealthIndicator,
  type FilesHealth,
  type FilesHealthOptions,
  type FilesHealthState,
} from './files-health-indicator.js';
