import { jest } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { isFileFieldError, type Received, type ReceiveOptions } from 'filefield';
import type { FileFieldOptions } from '../../../src/fields/field-options.js';
import { filesFor, Letter, type RecordingConnection } from '../../support/fields.js';
import type { MemoryStorage } from 'filefield/storages/memory';

type Result = Received | Error;

interface Site {
  readonly port: number;
  readonly memory: MemoryStorage;
  readonly ledger: RecordingConnection;
  /** The result of `receive` for the next request. */
  nextResult(): Promise<Result>;
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
  const nextResult = () => {
    const ready = results.shift();
    return ready ? Promise.resolve(ready) : new Promise<Result>((resolve) => waiting.push(resolve));
  };
  return { port: (server.address() as AddressInfo).port, memory, ledger, nextResult };
}

async function post(site: Site, form: FormData): Promise<{ text: string; result: Result }> {
  const response = await fetch(`http://127.0.0.1:${site.port}/`, { method: 'POST', body: form });
  return { text: await response.text(), result: await site.nextResult() };
}

const form = (...entries: [string, string | File][]) => {
  const data = new FormData();
  for (const [name, value] of entries) data.append(name, value);
  return data;
};
const letter = (content: string, name = 'letter.txt') => new File([content], name);

/** Sends the text unchanged, for requests that no well-behaved client would send. */
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

/** Waits until an upload is stored and staged. */
async function oneStored({ memory }: Site): Promise<void> {
  while (memory.keys.length === 0) await delay(5);
  await delay(20);
}

describe('a form that is refused after its first file was kept', () => {
  it('ends the lease of that file', async () => {
    const site = await open({}, { maxFiles: 2 });
    const body = part('name="file"; filename="a.txt"', 'kept');
    const rest = part('name="other"; filename="b.txt"', 'refused') + '--B--\r\n';
    const socket = await raw(site, multipart(body, body.length + rest.length));
    // The parser gives a part on once the next one begins.
    socket.write(rest.slice(0, 4));
    await oneStored(site);
    expect(site.ledger.statements.filter((sql) => sql.includes('lease_until = 0'))).toEqual([]);
    socket.write(rest.slice(4));
    expect(await site.nextResult()).toMatchObject({ code: 'unexpected_field', context: { rule: 'field' } });
    expect(site.ledger.statements.filter((sql) => sql.includes('lease_until = 0'))).toHaveLength(1);
  });
});

describe('the limits of a form', () => {
  const field = (name: string) => part(`name="${name}"`, 'value');
  const file = (name: string) => part('name="file"; filename="a.txt"', name);
  const neither = '--B\r\nContent-Type: text/plain\r\n\r\nx\r\n';
  const empty = part('name="file"; filename=""\r\nContent-Type: application/octet-stream', '');
  const limits = { maxFields: 2, maxFiles: 3 };
  const ruleOf = async (...parts: string[]) => {
    const site = await open({}, limits);
    await raw(site, multipart(`${parts.join('')}--B--\r\n`));
    const result = await site.nextResult();
    return isFileFieldError(result) ? result.context : 'accepted';
  };

  it('accepts a form that reaches all of them', async () => {
    const inputs = Array.from({ length: 1000 }, () => empty);
    expect(await ruleOf(field('a'), file('1'), ...inputs, field('b'), file('2'), file('3'))).toBe('accepted');
  });

  it.each([
    ['one text field too many', { rule: 'maxFields', limit: 2, field: 'c' }, [field('a'), field('b'), field('c')]],
    ['one file too many', { rule: 'maxFiles', limit: 3, field: 'file' }, [file('1'), file('2'), file('3'), file('4')]],
    ['one empty input too many', { rule: 'maxParts', limit: 1000 }, Array.from({ length: 1001 }, () => empty)],
    ['parts of no kind', { rule: 'maxParts', limit: 1000 }, Array.from({ length: 1100 }, () => neither)],
  ])('refuses a form with %s', async (_what, context, parts) => {
    expect(await ruleOf(...parts)).toEqual(context);
  });
});

describe('the rest of a refused form', () => {
  afterEach(() => void jest.restoreAllMocks());

  it('is read for ten seconds, then the connection is closed', async () => {
    const site = await open();
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const socket = await raw(site, multipart(part('name="other"; filename="b.txt"', 'x'), 1_000_000));
    expect(await site.nextResult()).toMatchObject({ code: 'unexpected_field' });
    await delay(20);
    expect(socket.destroyed).toBe(false);
    const [giveUp] = timers.mock.calls.find(([, milliseconds]) => milliseconds === 10_000)!;
    const closed = once(socket, 'close').then(() => 'closed');
    socket.resume();
    giveUp();
    // Long before the server's own limit for idle connections.
    expect(await Promise.race([closed, delay(1000)])).toBe('closed');
  });
});

describe('receive', () => {
  it('returns the file and the text fields of a form, in any order', async () => {
    const site = await open();
    const { result } = await post(site, form(['before', 'a'], ['file', letter('Dear Ann')], ['after', 'ü']));
    const received = result as Received;
    expect({ ...received.fields }).toEqual({ before: 'a', after: 'ü' });
    expect(received.file).toMatchObject({ name: 'letter.txt', size: 8, type: 'text/plain' });
    expect(await received.file?.text()).toBe('Dear Ann');
  });

  it('keeps a UTF-8 file name as browsers send it', async () => {
    const site = await open();
    const { result } = await post(site, form(['file', letter('x', 'Grüße 東京 😀.txt')]));
    expect((result as Received).file?.name).toBe('Grüße 東京 😀.txt');
  });

  it('decodes a quote in a file name as browsers encode it', async () => {
    const site = await open();
    const { result } = await post(site, form(['file', letter('x', 'the "plans" %41.txt')]));
    expect((result as Received).file?.name).toBe('the "plans" %41.txt');
  });

  it('removes the folders from a file name', async () => {
    const site = await open();
    const socket = await raw(site, multipart(part('name="file"; filename="../../etc/passwd"', 'x') + '--B--\r\n'));
    expect(((await site.nextResult()) as Received).file?.name).toBe('passwd');
    socket.destroy();
  });

  it('returns null when no file was chosen', async () => {
    const site = await open();
    const socket = await raw(
      site,
      multipart(part('name="file"; filename=""', '') + part('name="slug"', 's') + '--B--\r\n'),
    );
    const received = (await site.nextResult()) as Received;
    expect(received.file).toBeNull();
    expect(received.fields.slug).toBe('s');
    expect(site.memory.keys).toEqual([]);
    socket.destroy();
  });

  it('returns fields without a prototype, which a field name could pollute', async () => {
    const site = await open();
    const { result } = await post(site, form(['__proto__', 'polluted'], ['constructor', 'x']));
    expect(Object.getPrototypeOf((result as Received).fields)).toBeNull();
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('returns several files when maxFiles allows them', async () => {
    const site = await open({}, { maxFiles: 3 });
    const { result } = await post(site, form(['file', letter('1')], ['file', letter('2')], ['file', letter('3')]));
    const texts = await Promise.all((result as Received).files.map((file) => file.text()));
    expect(texts).toEqual(['1', '2', '3']);
  });

  describe('refuses, and keeps no bytes of,', () => {
    const cases: [string, Partial<FileFieldOptions>, ReceiveOptions, FormData, string][] = [
      [
        'a file larger than the maxSize of its field',
        { maxSize: 10 },
        {},
        form(['file', letter('x'.repeat(200_000))]),
        'too_large',
      ],
      [
        'a file larger than the maxSize of the call',
        {},
        { maxSize: 10 },
        form(['file', letter('x'.repeat(200_000))]),
        'too_large',
      ],
      [
        'a file of a type that is not accepted',
        { accept: ['image/*'] },
        {},
        form(['file', letter('text')]),
        'wrong_type',
      ],
      ['a second file', {}, {}, form(['file', letter('1')], ['file', letter('2')]), 'limit_exceeded'],
      ['a file under another field name', {}, {}, form(['other', letter('1')]), 'unexpected_field'],
      ['a field with a name of more than 100 bytes', {}, {}, form(['é'.repeat(51), '1']), 'limit_exceeded'],
      ['more fields than maxFields', {}, { maxFields: 1 }, form(['a', '1'], ['b', '2']), 'limit_exceeded'],
      [
        'a field longer than maxFieldSize',
        {},
        { maxFieldSize: 10 },
        form(['file', letter('1')], ['a', 'x'.repeat(11)]),
        'too_large',
      ],
    ];
    it.each(cases)('%s', async (_what, field, options, data, code) => {
      const site = await open(field, options);
      const { text, result } = await post(site, data);
      expect(isFileFieldError(result) ? result.code : result).toBe(code);
      expect(text).toBe(code);
      // Files that were stored before the error have lost their lease, so that the next sweep deletes them.
      expect([...site.ledger.staged]).toEqual([]);
    });

    it('a body that is not a form', async () => {
      const site = await open();
      const response = await fetch(`http://127.0.0.1:${site.port}/`, { method: 'POST', body: 'hello' });
      expect(await response.text()).toBe('wrong_type');
    });

    it.each([
      ['a form that is cut off', part('name="file"; filename="a.txt"', 'half').slice(0, -4)],
      ['a part with malformed headers', '--B\r\nContent-Disposition\r\n\r\nx\r\n--B--\r\n'],
      ['a part with headers of 200 kB', `--B\r\nX: ${'x'.repeat(200_000)}\r\n\r\nx\r\n--B--\r\n`],
    ])('%s', async (_what, body) => {
      const site = await open();
      const socket = await raw(site, multipart(body));
      expect(await site.nextResult()).toMatchObject({ code: 'malformed_upload' });
      expect(site.memory.keys).toEqual([]);
      socket.destroy();
    });

    it('an upload whose client disconnects', async () => {
      const site = await open();
      const socket = await raw(site, multipart(part('name="file"; filename="a.txt"', 'x'.repeat(50_000)), 10_000_000));
      setTimeout(() => socket.destroy(), 50);
      expect(await site.nextResult()).toMatchObject({ code: 'aborted' });
      expect(site.memory.keys).toEqual([]);
    });
  });

  it('responds while a refused upload is still arriving, to a client that never finishes', async () => {
    const site = await open({ maxSize: 10 });
    const socket = await raw(site, multipart(part('name="file"; filename="a.txt"', 'x'.repeat(50_000)), 10_000_000));
    const [response] = (await once(socket, 'data')) as [Buffer];
    expect(String(response)).toContain('too_large');
    socket.destroy();
  });
});
