import { jest } from '@jest/globals';
import { createHash } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isFileFieldError, type Files, type FormRequest, type ReceivedFields, type ReceiveOptions } from 'filefield';
import { DiskStorage } from 'filefield/storages/disk';
import { inTwoChunks, openDoor, readBody, type Answer, type Door } from '../adapters/every-door.js';
import { askServer, until } from '../adapters/server.js';
import { descriptorsBelow } from '../support/descriptors-below.js';
import { filesWith, Letter, type RecordingConnection } from '../support/fields.js';
import { emptyInput, filePart, formBytes, formHeaders, textPart, type Part } from '../support/forms.js';
import { png, refusals } from './upload-refusals.js';

type Result = ReceivedFields<'file' | 'cover'>;

export interface UploadContractOptions {
  /** Whether the library parses the form itself, so that a broken one reaches it. */
  readonly parses: boolean;
}

/** What a form that arrives through a framework must lead to, whatever the framework is. */
export function uploadContract(name: string, door: Door, { parses }: UploadContractOptions): void {
  describe(`${name} keeps the upload contract`, () => {
    let root: string;
    let files: Files;
    let ledger: RecordingConnection;
    let server: Awaited<ReturnType<typeof openDoor>>;
    let options: ReceiveOptions<'file' | 'cover'>;
    const outcomes: (Result | Error)[] = [];
    const unhandled: unknown[] = [];
    const note = (error: unknown) => void unhandled.push(error);

    const handle = async (request: FormRequest): Promise<Answer> => {
      try {
        const received = await files.receive(request, Letter, ['file', 'cover'], options);
        outcomes.push(received);
        return { status: 201, body: 'stored' };
      } catch (error) {
        outcomes.push(error as Error);
        return isFileFieldError(error)
          ? { status: error.statusCode, body: JSON.stringify({ code: error.code, ...error.context }) }
          : { status: 500, body: String(error) };
      }
    };

    beforeAll(async () => {
      process.on('unhandledRejection', note);
      root = await mkdtemp(path.join(tmpdir(), 'filefield-doors-'));
      ({ files, ledger } = filesWith(
        { file: { maxSize: '1 MB' }, cover: { accept: ['image/*'] } },
        volatileDisk(root),
      ));
      server = await openDoor(door, handle);
    });
    afterAll(async () => {
      await server.close();
      await rm(root, { recursive: true });
      process.off('unhandledRejection', note);
    });
    beforeEach(() => {
      options = {};
      outcomes.length = 0;
      // What is given up late, of a form of the last test, is not counted.
      ledger.staged.clear();
      jest.spyOn(console, 'error').mockImplementation(() => undefined);
    });
    afterEach(async () => {
      jest.restoreAllMocks();
      expect(unhandled).toEqual([]);
      await until(() => descriptorsBelow(root) === 0, 'all files were closed');
    });

    const send = async (...parts: readonly Part[]) => {
      const body = formBytes(...parts);
      return askServer(server.port, {
        method: 'POST',
        headers: { ...formHeaders, 'content-length': String(body.byteLength) },
        body,
      });
    };
    const received = async (...parts: readonly Part[]) => {
      const reply = await send(...parts);
      expect([reply.status, String(reply.body)]).toEqual([201, 'stored']);
      return outcomes[0] as Result;
    };
    const refused = async (...parts: readonly Part[]) => {
      const { status, body } = await send(...parts);
      return { status, ...(JSON.parse(String(body)) as object) };
    };
    const incoming = () =>
      readdirSync(root, { recursive: true }).filter((entry) => String(entry).includes('incoming/'));

    /** An upload that was refused is cleaned up without holding up the answer. */
    const nothingKept = () => until(() => ledger.staged.size === 0, 'every file was given up');

    const bytes = Buffer.alloc(300_000, 'filefield ');

    it('stores the files of two fields and returns the text fields, in any order', async () => {
      const result = await received(
        textPart('title', 'Grüße 東京'),
        filePart('cover', 'é 😀.png', png, 'text/plain'),
        filePart('file', 'a "b".txt'.replaceAll('"', '%22'), bytes),
        textPart('tag', 'a'),
        textPart('tag', 'b'),
      );
      expect({ ...result.fields }).toEqual({ title: 'Grüße 東京', tag: ['a', 'b'] });
      expect(result.cover).toMatchObject({ name: 'é 😀.png', type: 'image/png', size: png.byteLength });
      expect(result.file).toMatchObject({ name: parses ? 'a "b".txt' : expect.any(String), size: bytes.byteLength });
      expect(result.file?.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
      expect(await result.file?.bytes()).toEqual(bytes);
    });

    it('returns the files of a field in their order, with brackets after its name or without', async () => {
      options = { maxFiles: { file: 3 } };
      const result = await received(
        ...['1', '2'].map((text) => filePart('file[]', 'a.txt', text)),
        filePart('file', 'a.txt', '3'),
      );
      expect(await Promise.all(result.files.file.map((file) => file.text()))).toEqual(['1', '2', '3']);
      expect([result.cover, result.files.cover]).toEqual([null, []]);
    });

    it('counts no input in which no file was chosen', async () => {
      const result = await received(
        emptyInput('file'),
        filePart('file', 'a.txt', 'x'),
        emptyInput('file'),
        emptyInput('other'),
      );
      expect([result.files.file.length, { ...result.fields }]).toEqual([1, {}]);
    });

    it('accepts a form that reaches every limit', async () => {
      options = { maxFields: 2, maxFieldSize: 5, maxFiles: 2, maxSize: 4 };
      const result = await received(
        textPart('a', '12345'),
        filePart('file', 'a.txt', '1234'),
        filePart('file', 'b.txt', '1234'),
        textPart('b', '12345'),
      );
      expect([result.files.file.length, Object.keys(result.fields)]).toEqual([2, ['a', 'b']]);
    });

    it.each(refusals)('refuses %s, and keeps no file of the form', async (_what, limits, parts, answer) => {
      options = limits;
      expect(await refused(filePart('cover', 'first.png', png), ...parts)).toMatchObject(answer);
      await nothingKept();
    });

    it('holds nothing of three hundred refused forms', async () => {
      const { signal } = new AbortController();
      const warnings: unknown[] = [];
      const warned = (warning: unknown) => void warnings.push(warning);
      process.on('warning', warned);
      for (const [, limits, parts, answer] of refusals) {
        options = { ...limits, signal };
        for (let turn = 0; turn < 300 / refusals.length; turn += 10) {
          const answers = await Promise.all(
            Array.from({ length: 10 }, () => refused(filePart('cover', 'first.png', png), ...parts)),
          );
          for (const one of answers) expect(one).toMatchObject(answer);
        }
      }
      await nothingKept();
      expect(getEventListeners(signal, 'abort')).toEqual([]);
      expect(incoming()).toEqual([]);
      expect(warnings).toEqual([]);
      process.off('warning', warned);
    });

    it('refuses a request that is not a multipart form', async () => {
      if (!parses) return;
      for (const type of ['application/xml', 'application/x-www-form-urlencoded', 'multipart/mixed; boundary=x']) {
        const reply = await askServer(server.port, {
          method: 'POST',
          headers: { 'content-type': type },
          body: 'file=a.txt',
        });
        // Fastify refuses a type for which it has no parser before the handler runs.
        expect(reply.status).toBe(415);
      }
    });

    it('gives up the files when the callback fails, and passes its error on', async () => {
      const taken: string[] = [];
      const failing = await openDoor(door, async (request) => {
        const outcome = await files
          .receive(request, Letter, 'file', async ({ file }) => {
            taken.push(await file!.text());
            throw new Error('the title is not valid');
          })
          .catch((error: unknown) => error);
        return { status: 422, body: String(outcome) };
      });
      const body = formBytes(filePart('file', 'a.txt', 'kept'));
      const reply = await askServer(failing.port, { method: 'POST', headers: formHeaders, body });
      await failing.close();
      expect([reply.status, String(reply.body), taken]).toEqual([422, 'Error: the title is not valid', ['kept']]);
      await nothingKept();
    });

    it('refuses a body that was read before', async () => {
      const late = await openDoor(door, async (request) => {
        await readBody(request);
        const error = await files.receive(request, Letter, 'file').catch((cause: unknown) => cause);
        return { status: 500, body: isFileFieldError(error) ? error.code : 'received' };
      });
      const body = formBytes(filePart('file', 'a.txt', 'x'));
      const reply = await askServer(late.port, { method: 'POST', headers: formHeaders, body });
      await late.close();
      expect(String(reply.body)).toBe(parses ? 'invalid_value' : 'received');
    });

    it('tells how much has arrived', async () => {
      if (!parses) return;
      const progress: [number, number | undefined][] = [];
      options = { onProgress: ({ received: bytesNow, total }) => progress.push([bytesNow, total]) };
      const body = formBytes(filePart('file', 'a.txt', bytes));
      await received(filePart('file', 'a.txt', bytes));
      expect(progress.at(-1)).toEqual([body.byteLength, body.byteLength]);
      expect(progress.map(([now]) => now)).toEqual(progress.map(([now]) => now).sort((a, b) => a - b));
    });

    it('ends at the signal while the client still sends, and answers', async () => {
      if (!parses) return;
      const abort = new AbortController();
      options = { signal: abort.signal, onProgress: () => abort.abort(new Error('enough')) };
      const whole = formBytes(filePart('file', 'a.txt', bytes));
      const socket = net.connect(server.port, '127.0.0.1').on('error', () => undefined);
      socket.write(requestHead(whole.byteLength));
      socket.write(whole.subarray(0, 1000));
      await until(() => outcomes.length > 0, 'the upload was ended');
      expect(outcomes[0]).toMatchObject({ code: 'aborted', cause: { message: 'enough' } });
      socket.destroy();
      await nothingKept();
    });

    const small = formBytes(textPart('t', '1'), filePart('file', 'a.txt', 'abc'), filePart('cover', 'b.png', png));

    it('keeps nothing of a form whose client goes away, at whichever byte', async () => {
      // A form that is parsed by the runtime does not reach the library.
      const expected = parses ? small.byteLength : 0;
      for (let at = 0; at < expected; at += 1) {
        outcomes.length = 0;
        const socket = net.connect(server.port, '127.0.0.1').on('error', () => undefined);
        await new Promise<void>((resolve) =>
          socket.write(Buffer.concat([requestHead(small.byteLength), small.subarray(0, at)]), () => resolve()),
        );
        await new Promise((resolve) => setImmediate(resolve));
        socket.destroy();
        await until(() => outcomes.length > 0, `the end of byte ${at} was noticed`);
        expect([at, outcomes.map((outcome) => isFileFieldError(outcome) && outcome.code)]).toEqual([at, ['aborted']]);
      }
      await nothingKept();
      expect(incoming()).toEqual([]);
    });

    it('keeps nothing of a form that ends early, at whichever byte', async () => {
      if (!parses) return;
      // The line break after the last boundary is no part of the form.
      for (let at = 0; at < small.byteLength - 2; at += 1) {
        outcomes.length = 0;
        const body = small.subarray(0, at);
        const { status } = await askServer(server.port, {
          method: 'POST',
          headers: { ...formHeaders, 'content-length': String(at) },
          body,
        });
        expect([at, status, outcomes.map((outcome) => isFileFieldError(outcome) && outcome.code)]).toEqual([
          at,
          400,
          ['malformed_upload'],
        ]);
      }
      await nothingKept();
    });

    it('receives a form in chunks, wherever they are cut', async () => {
      const cuts = Array.from({ length: Math.ceil(small.byteLength / 7) }, (_, index) => 1 + index * 7);
      for (const at of cuts) {
        outcomes.length = 0;
        expect(await inTwoChunks(server.port, small, at)).toBe(201);
        expect(await (outcomes[0] as Result).file?.text()).toBe('abc');
      }
      expect(ledger.staged.size).toBe(2 * cuts.length);
    });
  });
}

/** A folder without a marker, since the ledger of these tests has no tables. */
const volatileDisk = (root: string) => Object.assign(new DiskStorage({ root }), { volatile: true });

const requestHead = (length: number) =>
  Buffer.from(
    `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: ${formHeaders['content-type']}\r\nContent-Length: ${length}\r\n\r\n`,
  );
