import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { isFileFieldError, type Received, type ReceiveOptions, type StoredFile } from 'filefield';
import type { FileFieldOptions } from '../../src/fields/field-options.js';
import { filesFor, Letter, type RecordingConnection } from '../support/fields.js';
import type { MemoryStorage } from 'filefield/storages/memory';

type Result = Received<StoredFile> | Error;

interface Site {
  readonly port: number;
  readonly memory: MemoryStorage;
  readonly ledger: RecordingConnection;
  /** What receive came to for the next request. */
  next(): Promise<Result>;
}

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function open(field: Partial<FileFieldOptions> = {}, options: ReceiveOptions = {}): Promise<Site> {
  const { files, memory, ledger } = filesFor(field);
  const results: Result[] = [];
  const waiting: ((result: Result) => void)[] = [];
  const server = createServer((request, response) => {
    const settle = (result: Result) => {
      response.end(isFileFieldError(result) ? result.code : 'ok');
      const waiter = waiting.shift();
      if (waiter) waiter(result);
      else results.push(result);
    };
    files.receive(request, Letter, 'file', options).then(settle, settle);
  });
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  const next = () => {
    const ready = results.shift();
    return ready ? Promise.resolve(ready) : new Promise<Result>((resolve) => waiting.push(resolve));
  };
  return { port: (server.address() as AddressInfo).port, memory, ledger, next };
}

async function post(site: Site, form: FormData): Promise<{ text: string; result: Result }> {
  const response = await fetch(`http://127.0.0.1:${site.port}/`, { method: 'POST', body: form });
  return { text: await response.text(), result: await site.next() };
}

const form = (...entries: [string, string | File][]) => {
  const data = new FormData();
  for (const [name, value] of entries) data.append(name, value);
  return data;
};
const letter = (content: string, name = 'letter.txt') => new File([content], name);

/** Sends bytes as they are, for what no well-behaved client would send. */
async function raw(site: Site, text: string): Promise<Socket> {
  const socket = connect(site.port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

const multipart = (body: string, length = Buffer.byteLength(body)) =>
  `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: ${length}\r\n\r\n${body}`;
const part = (head: string, content: string) => `--B\r\nContent-Disposition: form-data; ${head}\r\n\r\n${content}\r\n`;

describe('receive', () => {
  it('takes the file and the text fields of a form, in whatever order they come', async () => {
    const site = await open();
    const { result } = await post(site, form(['before', 'a'], ['file', letter('Dear Ann')], ['after', 'ü']));
    const received = result as Received<StoredFile>;
    expect({ ...received.fields }).toEqual({ before: 'a', after: 'ü' });
    expect(received.file).toMatchObject({ name: 'letter.txt', size: 8, type: 'text/plain' });
    expect(await received.file?.text()).toBe('Dear Ann');
  });

  it('reads the UTF-8 names that browsers send', async () => {
    const site = await open();
    const { result } = await post(site, form(['file', letter('x', 'Grüße 東京 😀.txt')]));
    expect((result as Received<StoredFile>).file?.name).toBe('Grüße 東京 😀.txt');
  });

  it('reads a quote as browsers write it', async () => {
    const site = await open();
    const { result } = await post(site, form(['file', letter('x', 'the "plans" %41.txt')]));
    expect((result as Received<StoredFile>).file?.name).toBe('the "plans" %41.txt');
  });

  it('drops the folders that a client puts before a name', async () => {
    const site = await open();
    const socket = await raw(site, multipart(part('name="file"; filename="../../etc/passwd"', 'x') + '--B--\r\n'));
    expect(((await site.next()) as Received<StoredFile>).file?.name).toBe('passwd');
    socket.destroy();
  });

  it('gives null when no file was chosen', async () => {
    const site = await open();
    const socket = await raw(
      site,
      multipart(part('name="file"; filename=""', '') + part('name="slug"', 's') + '--B--\r\n'),
    );
    const received = (await site.next()) as Received<StoredFile>;
    expect(received.file).toBeNull();
    expect(received.fields.slug).toBe('s');
    expect(site.memory.keys).toEqual([]);
    socket.destroy();
  });

  it('has no prototype to pollute', async () => {
    const site = await open();
    const { result } = await post(site, form(['__proto__', 'polluted'], ['constructor', 'x']));
    expect(Object.getPrototypeOf((result as Received<StoredFile>).fields)).toBeNull();
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('takes several files where that is allowed', async () => {
    const site = await open({}, { maxFiles: 3 });
    const { result } = await post(site, form(['file', letter('1')], ['file', letter('2')], ['file', letter('3')]));
    const texts = await Promise.all((result as Received<StoredFile>).files.map((file) => file.text()));
    expect(texts).toEqual(['1', '2', '3']);
  });

  describe('refuses, and keeps nothing of,', () => {
    const cases: [string, Partial<FileFieldOptions>, ReceiveOptions, FormData, string][] = [
      [
        'a file over the size of its field',
        { maxSize: 10 },
        {},
        form(['file', letter('x'.repeat(200_000))]),
        'too_large',
      ],
      [
        'a file over the size of the call',
        {},
        { maxSize: 10 },
        form(['file', letter('x'.repeat(200_000))]),
        'too_large',
      ],
      ['a file of a wrong type', { accept: ['image/*'] }, {}, form(['file', letter('text')]), 'wrong_type'],
      ['a second file', {}, {}, form(['file', letter('1')], ['file', letter('2')]), 'limit_exceeded'],
      ['a file in another field', {}, {}, form(['other', letter('1')]), 'limit_exceeded'],
      ['a field too many', {}, { maxFields: 1 }, form(['a', '1'], ['b', '2']), 'limit_exceeded'],
      [
        'a field too long',
        {},
        { maxFieldSize: 10 },
        form(['file', letter('1')], ['a', 'x'.repeat(11)]),
        'limit_exceeded',
      ],
    ];
    it.each(cases)('%s', async (_what, field, options, data, code) => {
      const site = await open(field, options);
      const { text, result } = await post(site, data);
      expect(isFileFieldError(result) ? result.code : result).toBe(code);
      expect(text).toBe(code);
      // Whatever was stored before the fault has lost its lease, so that the next sweep takes it.
      const intents = site.ledger.statements.filter((sql) => sql.startsWith('INSERT')).length;
      const given = site.ledger.statements.filter((sql) => sql.includes('lease_until = 0')).length;
      expect(given).toBe(intents);
    });

    it('a body that is no form at all', async () => {
      const site = await open();
      const response = await fetch(`http://127.0.0.1:${site.port}/`, { method: 'POST', body: 'hello' });
      expect(await response.text()).toBe('malformed_upload');
    });

    it.each([
      ['a form that ends early', part('name="file"; filename="a.txt"', 'half').slice(0, -4)],
      ['a part with a broken head', '--B\r\nContent-Disposition\r\n\r\nx\r\n--B--\r\n'],
      ['a part with a huge head', `--B\r\nX: ${'x'.repeat(200_000)}\r\n\r\nx\r\n--B--\r\n`],
    ])('%s', async (_what, body) => {
      const site = await open();
      const socket = await raw(site, multipart(body));
      expect(await site.next()).toMatchObject({ code: 'malformed_upload' });
      expect(site.memory.keys).toEqual([]);
      socket.destroy();
    });

    it('an upload whose client goes away', async () => {
      const site = await open();
      const socket = await raw(site, multipart(part('name="file"; filename="a.txt"', 'x'.repeat(50_000)), 10_000_000));
      setTimeout(() => socket.destroy(), 50);
      expect(await site.next()).toMatchObject({ code: 'aborted' });
      expect(site.memory.keys).toEqual([]);
    });
  });

  it('answers while a refused upload is still coming, and lets go of a client that never ends', async () => {
    const site = await open({ maxSize: 10 });
    const socket = await raw(site, multipart(part('name="file"; filename="a.txt"', 'x'.repeat(50_000)), 10_000_000));
    const answer = await once(socket, 'data');
    expect(String(answer[0])).toContain('too_large');
    socket.destroy();
  });
});
