import type { DownloadHandler } from 'filefield';
import { toNode } from 'filefield/node';
import { askServer, serve, type RunningServer } from '../adapters/server.js';
import { whole } from '../cases/answers.js';
import { checkCase } from '../cases/check-case.js';
import { fileCases } from '../cases/file-cases.js';
import type { HttpCase } from '../cases/http-case.js';
import { sourceKinds } from './http-case-sources.js';

let server: RunningServer;
let current: DownloadHandler<unknown>;

beforeAll(async () => {
  server = await serve((request, response) => void toNode(current)(request, response, { id: 'x' }));
});
afterAll(() => server.close());

/**
 * The case for a file of unknown length, which has no ranges: the whole file takes the place of a part and of 416, and
 * no reply has a length. Conditions and methods stay as they are.
 */
function withoutLength(one: HttpCase): HttpCase {
  const { file, request, expected } = one;
  if (![200, 206, 416].includes(expected.status)) return one;
  const { status, body, headers } = whole(file, request.method);
  const kept = expected.status === 416 ? headers : { ...expected.headers, 'content-type': headers['content-type']! };
  const without = { 'content-range': null, 'content-length': null, 'accept-ranges': 'none' };
  return { ...one, expected: { status, body, headers: { ...kept, ...without } } };
}

/** The case for a file that is read from its first byte on: the whole file takes the place of several parts. */
function withoutParts(one: HttpCase): HttpCase {
  const { file, request, expected } = one;
  return expected.status === 206 && expected.body.length > 1 ? { ...one, expected: whole(file, request.method) } : one;
}

describe.each(Object.keys(sourceKinds))('the cases of HTTP, from %s', (kind) => {
  const { timeless, sparse, unmeasured, fromStart, view } = sourceKinds[kind]!;
  const fitting = fileCases.filter(
    ({ file }) => (sparse || !file.sparse) && (timeless || (file.mtime !== null && file.etag !== null)),
  );
  const cases = unmeasured ? fitting.map(withoutLength) : fromStart ? fitting.map(withoutParts) : fitting;
  it.each(cases)('$group: $title', async (one) => {
    current = await view(one.file);
    expect(await checkCase(one, (asked) => askServer(server.port, asked))).toEqual([]);
  });

  it(`ran ${fitting.length} of them, as many as it can`, () => {
    expect(fitting.length).toBeGreaterThanOrEqual(timeless && sparse ? 147 : 130);
  });
});
