import type { Asked, Reply } from '../adapters/server.js';
import { parseMultipart } from '../support/parse-multipart.js';
import { bytesOf, sizeOf, untilNow, type CaseFile, type HeaderRule, type HttpCase, type Slice } from './http-case.js';

/** Sends one request; rejects if the reply is cut off. */
export type Ask = (asked: Asked) => Promise<Reply>;

/** Sends the request of a case. Returns the faults of the reply; the list is empty if it is as expected. */
export async function checkCase({ request, expected, file }: HttpCase, ask: Ask): Promise<readonly string[]> {
  const reply = await ask(request);
  const faults = reply.status === expected.status ? [] : [`status ${reply.status}, not ${expected.status}`];
  for (const [name, rule] of Object.entries(expected.headers)) {
    const value = reply.headers[name]?.toString() ?? null;
    if (!matches(value, rule, reply)) faults.push(`${name}: ${value}, not ${rule}`);
  }
  return [...faults, ...checkBody(expected.body, reply, file)];
}

function matches(value: string | null, rule: HeaderRule, { headers: { date = '' } }: Reply): boolean {
  // Node updates its Date header once a second, or later on a busy machine.
  if (rule === untilNow) return value !== null && Date.parse(value) <= Date.parse(date) + 2000;
  return rule instanceof RegExp ? value !== null && rule.test(value) : value === rule;
}

function checkBody(body: HttpCase['expected']['body'], reply: Reply, file: CaseFile): readonly string[] {
  if (body === 'an error page')
    return file.content && reply.body.includes(file.content) ? ['the file is in the body'] : [];
  if (body.length > 1) return checkParts(body, reply, file);
  const bytes = body[0] ? bytesIn(file, body[0]) : Buffer.alloc(0);
  return reply.body.equals(bytes) ? [] : [`body of ${reply.body.byteLength} bytes, not ${bytes.byteLength}`];
}

function checkParts(slices: readonly Slice[], reply: Reply, file: CaseFile): readonly string[] {
  if (Number(reply.headers['content-length']) !== reply.body.byteLength)
    return ['Content-Length differs from the length of the body'];
  const parts = parseMultipart(reply.headers['content-type'] ?? '', reply.body);
  const correct = parts.map(({ headers, bytes }, index) => {
    const [first, last] = slices[index] ?? [0, 0];
    return (
      bytes.equals(bytesIn(file, [first, last])) &&
      headers['content-range'] === `bytes ${first}-${last}/${sizeOf(file)}` &&
      headers['content-type'] === 'application/octet-stream'
    );
  });
  return correct.length === slices.length && !correct.includes(false) ? [] : [`the parts are ${JSON.stringify(parts)}`];
}

function bytesIn(file: CaseFile, [first, last]: Slice): Buffer {
  return file.sparse ? Buffer.alloc(last - first + 1) : bytesOf(file).subarray(first, last + 1);
}
