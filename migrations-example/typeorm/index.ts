import { Ledger1763000000000 } from './ledger.js';
import { Tables1763000001000 } from './tables.js';
import { FileObjects1763000003000 } from './file-objects.js';
import { ProtectFiles1763000002000 } from './protection.js';

export const migrations = [
  Ledger1763000000000,
  Tables1763000001000,
  ProtectFiles1763000002000,
  FileObjects1763000003000,
];
