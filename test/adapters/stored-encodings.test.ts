import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathView as pathDownloadView } from 'filefield';
import { checkCase } from '../cases/check-case.js';
import { encodingCases, stored } from '../cases/encodings.js';
import { everyAdapter } from './every-adapter.js';
import { askServer, serve, type RunningServer } from './server.js';

const root = mkdtempSync(path.join(tmpdir(), 'stored-encodings-'));
const names = Object.keys(everyAdapter);

beforeAll(() => {
  writeFileSync(path.join(root, 'page.html'), stored.identity);
  writeFileSync(path.join(root, 'page.html.gz'), stored.gzip);
  writeFileSync(path.join(root, 'page.html.br'), stored.br);
});
afterAll(() => rmSync(root, { recursive: true }));

const view = pathDownloadView({ root, path: 'page.html', precompressed: ['br', 'gzip'], etag: '"p"' });

describe.each(names)('the cases of stored encodings, through %s', (name) => {
  let server: RunningServer;

  beforeAll(async () => {
    server = await serve(everyAdapter[name]!.mount(view));
  });
  afterAll(() => server.close());

  it.each(encodingCases)('$title', async (one) => {
    expect(await checkCase(one, (asked) => askServer(server.port, asked))).toEqual([]);
  });
});

// With fetch it is the framework that puts its middleware's headers and those of the response together.
describe.each(names.filter((name) => name !== 'fetch on Hono'))(
  'a Vary that something else set, through %s',
  (name) => {
    it.each([
      ['Origin', 'Origin, Accept-Encoding'],
      [['Origin', 'Cookie'], 'Origin, Cookie, Accept-Encoding'],
      ['accept-encoding', 'accept-encoding'],
      ['*', '*'],
    ])('%j stays, and becomes %j', async (earlier, vary) => {
      const listener = everyAdapter[name]!.mount(view);
      const server = await serve((request, response) => {
        response.setHeader('Vary', earlier);
        listener(request, response);
      });
      const whole = await askServer(server.port, { headers: { 'accept-encoding': 'gzip' } });
      const tag = whole.headers.etag!;
      const fresh = await askServer(server.port, { headers: { 'accept-encoding': 'gzip', 'if-none-match': tag } });
      expect([whole, fresh].map(({ status, headers }) => [status, headers.vary])).toEqual([
        [200, vary],
        [304, vary],
      ]);
      await server.close();
    });
  },
);
