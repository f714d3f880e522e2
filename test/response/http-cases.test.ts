import type { DownloadHandler } from 'filefield';
import { toNode } from 'filefield/node';
import { askServer, serve, type RunningServer } from '../adapters/server.js';
import { bytesOf, describeCases, fileCases, type Expectation, type HttpCase } from './http-case.js';
import { httpCaseFaults } from './http-case-faults.js';
import { sourceKinds } from './http-case-sources.js';

let server: RunningServer;
let current: DownloadHandler<unknown>;

beforeAll(async () => {
  server = await serve((request, response) => void toNode(current)(request, response, { id: 'x' }));
});
afterAll(() => server.close());

/**
 * A file whose length is not known has no ranges: where they, or the length, decide about an answer, it is the whole file
 * with neither. Everything else - conditions, methods, 304, 404 - holds as it stands.
 */
function unmeasured(one: HttpCase): HttpCase {
  const change = (expected: Expectation): Expectation => {
    const ranged = [206, 416].includes([expected.status].flat()[0]!);
    const served = ranged || [expected.status].flat().includes(200);
    if (!served) return expected;
    const whole = { status: 200, bodySlice: [0, bytesOf(one.file).byteLength], multipart: undefined } as const;
    const lengthless = { 'content-range': null, 'content-length': null, 'accept-ranges': 'none' };
    return { ...expected, ...(ranged && whole), headers: { ...expected.headers, ...lengthless } };
  };
  return {
    ...one,
    expect: change({ ...one.expect, ...one.strict }),
    strict: undefined,
    alternatives: one.alternatives?.map(change),
  };
}

describeCases.each(Object.keys(sourceKinds))('the shared cases of HTTP, from %s', (kind) => {
  const { timeless, sparse, unmeasured: lengthless, view } = sourceKinds[kind]!;
  const fitting = (fileCases ?? []).filter(
    ({ file }) => (sparse || !file.sparse) && (timeless || (file.mtime !== null && file.etag !== null)),
  );
  it.each(lengthless ? fitting.map(unmeasured) : fitting)('$group $id: $name', async (one) => {
    current = await view(one.file);
    expect(await httpCaseFaults(one, (asked) => askServer(server.port, asked))).toEqual([]);
  });

  it(`ran ${fitting.length} of them, as many as it can`, () => {
    expect(fitting.length).toBeGreaterThanOrEqual(timeless && sparse ? 147 : 130);
  });
});
