import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { FileFieldError, type StoredFile } from 'filefield';
import type { Upload } from '../../../src/file/upload.js';
import type { FileField } from '../../../src/fields/field.js';
import { receiver } from '../../../src/fields/forms/receive.js';
import { errorStatus } from '../../../src/response/http-error.js';
import { Letter } from '../../support/fields.js';

// Larger than every buffer on the way, so that the part is still arriving when the server stops reading it.
const large = Buffer.alloc(4_000_000, 'x');
let server: Server;
const field = { property: 'file' } as FileField;
const receive = receiver(() => field, {
  keep: (target, upload) => keep(target, upload),
  discard: async () => undefined,
});

beforeAll(async () => {
  server = createServer((incoming, response) => {
    receive(incoming, Letter, 'file')
      .then(() => response.end('200'))
      .catch((error: unknown) => {
        response.statusCode = errorStatus(error);
        response.end(error instanceof FileFieldError ? error.code : String(error));
      });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

async function keep(_field: FileField, { open, name }: Upload): Promise<StoredFile> {
  let bytes = 0;
  for await (const chunk of open()) {
    bytes += chunk.byteLength;
    if (name === 'refused') break;
  }
  if (name !== 'refused') return { size: bytes } as StoredFile;
  // A storage needs time to clean up before it rejects.
  await delay(5);
  throw new FileFieldError('too_large', 'too large');
}

function send(name: string, content: Buffer, end: string): Promise<string> {
  const head = `--b\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n\r\n`;
  const body = Buffer.concat([Buffer.from(head), content, Buffer.from(end)]);
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'multipart/form-data; boundary=b', 'content-length': body.byteLength };
    const outgoing = request(
      { port: (server.address() as AddressInfo).port, method: 'POST', headers },
      (response) => void response.toArray().then((chunks) => resolve(`${response.statusCode} ${chunks.join('')}`)),
    );
    outgoing.on('error', reject).end(body);
  });
}

test('responds with the reason why a large part was refused, not with the aborted stream', async () => {
  expect(await send('refused', large, '\r\n--b--\r\n')).toBe('413 too_large');
});

test.each([
  ['small', Buffer.from('x')],
  ['large', large],
])('responds 400 malformed_upload to a %s form without a closing boundary', async (_size, content) => {
  expect(await send('kept', content, '')).toBe('400 malformed_upload');
});

test('accepts a large part', async () => {
  expect(await send('kept', large, '\r\n--b--\r\n')).toBe('200 200');
});
