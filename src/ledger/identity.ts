import { randomBytes } from 'node:crypto';
import { FileFieldError } from '../errors.js';
import type { LedgerConnection } from './connection.js';
import { ledgerVersion } from './schema.js';
import { raw, sql, type Sql } from './sql.js';

/**
 * The identity of a ledger: random, and made when the first file is staged, so that copies of a database that has never
 * stored a file, such as a template for tests, are ledgers of their own.
 */
export class Identity {
  #known: string | undefined;
  #born: Promise<number | undefined> | undefined;

  constructor(private readonly database: LedgerConnection) {}

  /** Rejects with `database_failed` unless the tables exist in a version that this release can work with. */
  async verify(): Promise<void> {
    await this.database.execute(sql`SELECT id FROM file_ledger WHERE id = ${''}`);
    const { rows } = await this.database.execute(sql`SELECT version, oldest FROM file_state WHERE id = 1`);
    const { version = 0, oldest = 0 } = rows[0] ?? {};
    if (Number(version) < ledgerVersion) {
      throw unusable(
        `The ledger's tables have version ${Number(version)}, this release needs ${ledgerVersion}; run a migration that calls createLedger().`,
      );
    }
    if (Number(oldest) > ledgerVersion) {
      throw unusable(
        `The ledger's tables have version ${Number(version)}, which this release cannot work with; upgrade filefield.`,
      );
    }
  }

  /**
   * When the identity was made, in milliseconds, if it was made in this very database as far as can be told: a dump that was
   * restored elsewhere is another place, a physical copy is not.
   */
  bornHere(): Promise<number | undefined> {
    this.#born ??= this.#readBirth().catch((error: unknown) => {
      this.#born = undefined;
      throw error;
    });
    return this.#born;
  }

  /** The identity, which is made if there is none. On the connection of a transaction it commits with that transaction. */
  async get(connection: LedgerConnection = this.database): Promise<string> {
    if (this.#known !== undefined) return this.#known;
    const existing = await read(connection);
    const identity = existing ?? (await this.#make(connection, sql`identity IS NULL`));
    // What a transaction made may be rolled back.
    if (existing !== undefined || connection === this.database) this.#known = identity;
    return identity;
  }

  /** Gives this database a new identity: it is a copy, and what it stored so far belongs to another database too. */
  async renew(): Promise<string> {
    this.#born = undefined;
    this.#known = await this.#make(this.database, raw('1 = 1'));
    return this.#known;
  }

  async #make(connection: LedgerConnection, condition: Sql): Promise<string> {
    const identity = makeIdentity();
    const place = (await this.#place()) ?? null;
    await connection.execute(
      sql`UPDATE file_state SET identity = ${identity}, born_at = ${this.#now}, place = ${place} WHERE id = 1 AND ${condition}`,
    );
    return (await read(connection)) ?? identity;
  }

  async #readBirth(): Promise<number | undefined> {
    const { rows } = await this.database.execute(sql`SELECT born_at, place FROM file_state WHERE id = 1`);
    const place = await this.#place();
    return place !== undefined && rows[0]?.place === place ? Number(rows[0].born_at) : undefined;
  }

  /** Undefined where this role must not ask for it. */
  async #place(): Promise<string | undefined> {
    try {
      const { rows } = await this.database.execute(sql`SELECT ${raw(this.database.dialect.place)} AS place`);
      const place = rows[0]?.place;
      return typeof place === 'string' ? place.slice(0, 255) : undefined;
    } catch {
      return undefined;
    }
  }

  get #now(): Sql {
    return raw(this.database.dialect.now);
  }
}

async function read(connection: LedgerConnection): Promise<string | undefined> {
  const { rows } = await connection.execute(sql`SELECT identity FROM file_state WHERE id = 1`);
  return typeof rows[0]?.identity === 'string' ? rows[0].identity : undefined;
}

/** Twelve of 36 characters: 62 bits. */
function makeIdentity(): string {
  return BigInt(`0x${randomBytes(10).toString('hex')}`)
    .toString(36)
    .padStart(12, '0')
    .slice(-12);
}

function unusable(sentence: string): FileFieldError {
  return new FileFieldError('database_failed', sentence);
}
