import { FileFieldError, type ByteRange, type ObjectBody } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';

/** A storage in memory that records its reads, and sends each chunk of 10,000 bytes when its gate lets it. */
export class GatedStorage extends MemoryStorage {
  readonly ranges: (ByteRange | undefined)[] = [];
  closed = 0;
  gate: () => Promise<void> | void = () => undefined;

  override async read(key: string, range?: ByteRange): Promise<ObjectBody> {
    this.ranges.push(range);
    const body = await super.read(key, range);
    const whole = await all(body.stream());
    let isClosed = false;
    const gate = () => this.gate();
    const stream = async function* () {
      for (let position = 0; position < whole.byteLength; position += 10_000) {
        await gate();
        if (isClosed) throw new FileFieldError('aborted', 'The body was closed.');
        yield whole.subarray(position, position + 10_000);
      }
    };
    const close = () => {
      if (!isClosed) this.closed += 1;
      isClosed = true;
    };
    return { info: body.info, size: whole.byteLength, stream, close };
  }
}

async function all(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const bytes = [];
  for await (const chunk of chunks) bytes.push(Buffer.from(chunk));
  return Buffer.concat(bytes);
}
