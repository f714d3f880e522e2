import { FileFieldError } from '../errors.js';
import type { ByteRange } from '../file/body.js';
import { checkKey } from '../file/key.js';
import type { ListedObject, ObjectBody, ObjectInfo, Storage, WriteOptions } from '../file/storage.js';
import type { LedgerConnection, SqlResult } from '../ledger/connection.js';
import { sql, type Sql } from '../ledger/sql.js';
import { databaseError } from './database/database-error.js';
import { infoOf, openObject } from './database/object-reader.js';
import { ObjectWrite, patience } from './database/object-write.js';
import { inUtf16Order, listedAfter } from './shared/utf16-order.js';

/** Which part of the tables a `databaseStorage` uses. */
export interface DatabaseStorageOptions {
  /**
   * Where two storages of one database must not see each other's objects, a name for each: 1 to 64 of the characters
   * A-Z a-z 0-9 _ . -
   * @default 'default'
   */
  readonly name?: string;
}

/** Bytes of a chunk. An object has the size of its chunks recorded, so another release may have another one. */
const chunkSize = 256 * 1024;

/** Objects of one statement of a listing. */
const pageSize = 1000;

/** Keeps objects in two tables of the application's database, by a connection that commits each statement at once. */
export class DatabaseStorage implements Storage {
  readonly #space: string;

  constructor(
    private readonly database: LedgerConnection,
    { name = 'default' }: DatabaseStorageOptions = {},
  ) {
    if (!/^[\w.-]{1,64}$/.test(name)) {
      const text = 'The name of a databaseStorage() must be 1 to 64 of the characters A-Z a-z 0-9 _ . -';
      throw new FileFieldError('invalid_option', text);
    }
    this.#space = name;
  }

  async write(key: string, body: AsyncIterable<Uint8Array>, options: WriteOptions = {}): Promise<ObjectInfo> {
    const place = { database: this.database, space: this.#space, key: checkKey(key) };
    return new ObjectWrite(place, chunkSize, options).write(body);
  }

  async read(key: string, range?: ByteRange): Promise<ObjectBody> {
    const at = this.#at(key);
    return openObject(
      (statement) => this.#execute(statement, 'read an object', key),
      this.database.dialect,
      at,
      range,
      key,
    );
  }

  async stat(key: string): Promise<ObjectInfo | null> {
    const at = this.#at(key);
    const { rows } = await this.#execute(
      sql`SELECT size, modified FROM file_object WHERE ${at}`,
      'look for an object',
      key,
    );
    return rows[0] ? infoOf(rows[0]) : null;
  }

  async delete(key: string): Promise<void> {
    // With the chunks, and with the writes that have not ended or never will.
    const statement = sql`DELETE FROM file_object WHERE space = ${this.#space} AND object_key = ${checkKey(key)}`;
    await this.#execute(statement, 'delete an object', key);
  }

  async *list({ after = '' }: { after?: string } = {}): AsyncGenerator<ListedObject, void, undefined> {
    for await (const object of inUtf16Order(this.#pages(listedAfter(after)))) if (object.key > after) yield object;
  }

  /** Each page is a statement of its own: however slowly a listing is read, it holds neither a connection nor a snapshot. */
  async *#pages(after: string): AsyncGenerator<ListedObject, void, undefined> {
    for (let last = after, more = true; more;) {
      const statement = sql`SELECT object_key, modified FROM file_object WHERE space = ${this.#space} AND object_key > ${last} AND unfinished = ${''} ORDER BY object_key LIMIT ${pageSize}`;
      const { rows } = await this.#execute(statement, 'list objects');
      for (const { object_key: key, modified } of rows) {
        yield { key: (last = textOf(key)), modified: new Date(Number(modified)) };
      }
      more = rows.length === pageSize;
    }
  }

  #at(key: string): Sql {
    return sql`space = ${this.#space} AND object_key = ${checkKey(key)} AND unfinished = ${''}`;
  }

  async #execute(statement: Sql, action: string, key?: string): Promise<SqlResult> {
    return this.database.execute(statement, { patience }).catch((cause: unknown) => {
      throw databaseError(cause, this.database.dialect, action, key);
    });
  }
}

/** A key, which some databases keep as bytes. */
function textOf(key: unknown): string {
  return typeof key === 'string' ? key : Buffer.from(key as Uint8Array).toString('utf8');
}
