import { createReadStream, existsSync, openAsBlob, promises as fsp } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import type { FileSource, UploadSource } from 'filefield';

/** A source of 20,000 bytes, and whether it was released. */
export interface Closable {
  readonly source: UploadSource;
  /** Undefined where only the descriptors of the process tell it. */
  readonly released?: () => boolean;
}

const bytes = Buffer.alloc(20_000, 'x');

/** Every kind of source that holds something until it is released. `folder` is where files on the disk are. */
export const closables: Readonly<Record<string, (folder: string) => Promise<Closable> | Closable>> = {
  'a local file': async (folder) => ({ source: { path: await local(folder) } }),
  async 'a temporary file'(folder) {
    const file = await local(folder);
    return { source: { path: file, temporary: true }, released: () => !existsSync(file) };
  },
  async 'a file as a Blob'(folder) {
    return { source: (await openAsBlob(await local(folder))) as Blob };
  },
  async 'a stream of a file'(folder) {
    const stream = createReadStream(await local(folder));
    return { source: stream, released: () => stream.destroyed && stream.listenerCount('error') === 0 };
  },
  'a Node stream'() {
    const stream = Readable.from([bytes]);
    return { source: stream, released: () => stream.destroyed && stream.listenerCount('error') === 0 };
  },
  'a Web stream'() {
    const { state, body } = webStream();
    return { source: body, released: () => state.over };
  },
  'a response of fetch'() {
    const { state, body } = webStream();
    return { source: new Response(body), released: () => state.over };
  },
  'a generator'() {
    const generator = (async function* () {
      yield bytes.subarray(0, 10_000);
      yield bytes.subarray(10_000);
    })();
    // The end of a generator cannot be seen otherwise.
    let ended = false;
    const [next, end] = [generator.next.bind(generator), generator.return.bind(generator)];
    generator.next = async () => {
      const result = await next();
      ended ||= result.done === true;
      return result;
    };
    generator.return = (value) => {
      ended = true;
      return end(value);
    };
    return { source: generator, released: () => ended };
  },
  'a file source'() {
    const state = { opened: 0, closed: 0, sourceClosed: false };
    const source: FileSource = {
      name: 'x.txt',
      async open() {
        state.opened += 1;
        return {
          async *stream() {
            yield bytes;
          },
          close: () => void (state.closed += 1),
        };
      },
      close: () => void (state.sourceClosed = true),
    };
    return { source, released: () => state.sourceClosed && state.closed === state.opened };
  },
  'a file of graphql-upload'() {
    const streams: Readable[] = [];
    const createReadStream = () => {
      const stream = Readable.from([bytes]);
      streams.push(stream);
      return stream;
    };
    return { source: { createReadStream, filename: 'x.txt' }, released: () => streams.every((one) => one.destroyed) };
  },
  'a part of a form'() {
    const file = Object.assign(Readable.from([bytes]), { truncated: false });
    // The rest is read, so that the form goes on.
    return { source: { file, filename: 'x.txt' }, released: () => file.readableEnded };
  },
};

function webStream() {
  const state = { over: false };
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        controller.enqueue(bytes);
        controller.close();
        state.over = true;
      },
      cancel: () => void (state.over = true),
    },
    { highWaterMark: 0 },
  );
  return { state, body };
}

async function local(folder: string): Promise<string> {
  const file = path.join(folder, `${process.hrtime.bigint()}.txt`);
  await fsp.writeFile(file, bytes);
  return file;
}
