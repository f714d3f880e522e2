import { Ledger } from './ledger.js';
import { Tables } from './tables.js';
import { FileTriggers } from './triggers.js';

export const migrationsList = [
  { name: 'Migration20251113000000_ledger', class: Ledger },
  { name: 'Migration20251113000001_tables', class: Tables },
  { name: 'Migration20251113000002_file_triggers', class: FileTriggers },
];
