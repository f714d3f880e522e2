import { FileFieldError } from '../../errors.js';
import { lengthOf, type ByteRange } from '../../file/body.js';
import type { ObjectBody, ObjectInfo } from '../../file/storage.js';
import type { SqlResult } from '../../ledger/connection.js';
import type { Dialect } from '../../ledger/dialect.js';
import { sql, type Sql } from '../../ledger/sql.js';

/** Runs a SELECT. */
type Query = (statement: Sql) => Promise<SqlResult>;

/** More than a chunk ever has; twice as much is still an integer of the databases. */
const everything = 2 ** 29;

/**
 * Opens an object, or one range of it, that a condition finds. An object of one row comes with the first statement; of others,
 * each statement loads what is wanted of one chunk, when it is asked for.
 */
export async function openObject(
  query: Query,
  dialect: Dialect,
  at: Sql,
  range: ByteRange | undefined,
  key: string,
): Promise<ObjectBody> {
  const [first, length] = [range?.start ?? 0, range ? lengthOf(range) : everything];
  const part = dialect.readBytes(
    sql`substr(bytes, ${Math.min(first, everything) + 1}, ${Math.min(length, everything)})`,
  );
  const { rows } = await query(
    sql`SELECT id, size, modified, chunk_size, ${part} AS bytes FROM file_object WHERE ${at}`,
  );
  const row = rows[0];
  if (!row) throw new FileFieldError('not_found', 'There is no such object.', { key });
  const info = infoOf(row);
  const whole = range ?? { start: 0, end: info.size - 1 };
  const size = lengthOf(whole);
  const body = new Chunks(query, dialect, key, row, whole);
  return { info, size, stream: () => body.stream(), close: () => body.close() };
}

/** Size and time of an object, from its row. */
export function infoOf({ size, modified }: SqlResult['rows'][number]): ObjectInfo {
  return { size: Number(size), modified: new Date(Number(modified)) };
}

/** The bytes of a range of one version of an object. */
class Chunks {
  #closed = false;

  constructor(
    private readonly query: Query,
    private readonly dialect: Dialect,
    private readonly key: string,
    private readonly row: SqlResult['rows'][number],
    private readonly range: ByteRange,
  ) {}

  async *stream(): AsyncGenerator<Uint8Array, void, undefined> {
    const { start, end } = this.range;
    if (end < start) return;
    const { bytes } = this.row;
    if (bytes !== null) {
      this.#expectOpen();
      yield this.#checked(bytes, lengthOf(this.range));
      return;
    }
    const size = Number(this.row.chunk_size);
    for (let position = start; position <= end;) {
      this.#expectOpen();
      const number = Math.floor(position / size);
      const first = position - number * size;
      const length = Math.min(size - first, end - position + 1);
      const chunk = await this.#chunk(number, first, length);
      this.#expectOpen();
      yield chunk;
      position += length;
    }
  }

  close(): void {
    this.#closed = true;
  }

  async #chunk(number: number, first: number, length: number): Promise<Buffer> {
    const part = this.dialect.readBytes(sql`substr(bytes, ${first + 1}, ${length})`);
    const { rows } = await this.query(
      sql`SELECT ${part} AS bytes FROM file_chunk WHERE object_id = ${this.row.id} AND number = ${number}`,
    );
    if (rows[0]) return this.#checked(rows[0].bytes, length);
    throw new FileFieldError('not_found', 'The object was deleted while it was read.', { key: this.key });
  }

  #checked(value: unknown, length: number): Buffer {
    const bytes = bufferOf(value);
    if (bytes.byteLength === length) return bytes;
    const text = 'The database has fewer bytes of the object than it should: restore its tables from a backup.';
    throw new FileFieldError('incomplete', text, { key: this.key });
  }

  #expectOpen(): void {
    if (this.#closed) throw new FileFieldError('aborted', 'The body was closed.', { key: this.key });
  }
}

/** Bytes as drivers return them: a Buffer, an array, the memory of one, or text in Base64. */
function bufferOf(value: unknown): Buffer {
  if (typeof value === 'string') return Buffer.from(value, 'base64');
  if (value instanceof ArrayBuffer) return Buffer.from(value);
  const { buffer, byteOffset, byteLength } = value as Uint8Array;
  return Buffer.from(buffer, byteOffset, byteLength);
}
