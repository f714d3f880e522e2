import { isFileFieldError, type Received } from 'filefield';
import { once } from 'node:events';
import http2, { type ClientHttp2Session } from 'node:http2';
import type { Readable } from 'node:stream';
import { FrameClient } from '../support/http2-frames.js';
import { filesWith, Letter, type RecordingConnection } from '../support/fields.js';
import { filePart, formBytes, formHeaders, textPart } from '../support/forms.js';
import { everyDoor, openDoor } from './every-door.js';
import { until } from './server.js';

describe('a form over HTTP/2', () => {
  let session: ClientHttp2Session;
  let client: FrameClient | undefined;
  let server: Awaited<ReturnType<typeof openDoor>>;
  let ledger: RecordingConnection;
  const outcomes: unknown[] = [];

  beforeAll(async () => {
    const site = filesWith({ file: { maxSize: 100_000 } });
    ({ ledger } = site);
    server = await openDoor(
      everyDoor['node:http']!,
      async (request) => {
        const put = 'method' in request && request.method === 'PUT';
        const staged = put
          ? site.files.stage(Letter, 'file', request as Readable)
          : site.files.receive(request, Letter, 'file');
        const outcome = await staged.catch((error: unknown) => error);
        outcomes.push(outcome);
        return isFileFieldError(outcome)
          ? { status: outcome.statusCode, body: outcome.code }
          : { status: 201, body: '' };
      },
      2,
    );
    session = http2.connect(`http://127.0.0.1:${server.port}`);
  });
  afterAll(async () => {
    session.destroy();
    await server.close();
  });
  afterEach(() => client?.close());
  beforeEach(() => {
    outcomes.length = 0;
    ledger.statements.length = 0;
  });

  const begin = () => session.request({ ':method': 'POST', ':path': '/', ...formHeaders });
  const send = async (body: Buffer) => {
    const stream = begin();
    stream.end(body);
    const [headers] = (await once(stream, 'response')) as [{ ':status': number }];
    stream.resume();
    return headers[':status'];
  };

  it('is received like any other', async () => {
    expect(await send(formBytes(textPart('a', 'ü'), filePart('file', 'é.txt', 'x'.repeat(90_000))))).toBe(201);
    const { file, fields } = outcomes[0] as Received;
    expect([file?.name, file?.size, fields.a]).toEqual(['é.txt', 90_000, 'ü']);
  });

  it('is answered while a refused file is still arriving, and the session stays usable', async () => {
    expect(await send(formBytes(filePart('file', 'a.txt', 'x'.repeat(3_000_000))))).toBe(413);
    expect(await send(formBytes(filePart('file', 'a.txt', 'x')))).toBe(201);
  });

  it('is malformed when it ends early', async () => {
    expect(await send(formBytes(filePart('file', 'a.txt', 'x')).subarray(0, -8))).toBe(400);
  });

  describe.each<[string, (client: FrameClient) => void]>([
    ['resets its stream with CANCEL', (client) => client.reset(8)],
    ['resets its stream with NO_ERROR', (client) => client.reset(0)],
    ['closes its connection', (client) => client.close()],
  ])('when the client %s', (_how, leave) => {
    it.each([
      ['a form', 'POST'],
      ['a body without a form', 'PUT'],
    ])('%s is aborted and nothing is kept', async (_what, method) => {
      client = new FrameClient(server.port);
      client.begin(method, formHeaders);
      client.data(formBytes(filePart('file', 'a.txt', 'x'.repeat(50_000))).subarray(0, 30_000));
      await until(() => ledger.statements.length > 0, 'the upload had begun');
      leave(client);
      await until(() => outcomes.length > 0, 'the end was noticed');
      expect(outcomes).toMatchObject([{ code: 'aborted' }]);
      await until(() => ledger.statements.some((sql) => sql.includes('lease_until = 0')), 'the file was given up');
    });
  });
});
