import { Ledger } from './ledger.js';
import { Tables } from './tables.js';
import { FileObjects } from './file-objects.js';
import { ProtectFiles } from './protection.js';

export const migrationsList = [
  { name: 'Migration20251113000000_ledger', class: Ledger },
  { name: 'Migration20251113000001_tables', class: Tables },
  { name: 'Migration20251113000002_protect_files', class: ProtectFiles },
  { name: 'Migration20251113000003_file_objects', class: FileObjects },
];
