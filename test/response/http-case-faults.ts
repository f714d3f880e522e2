import type { Reply } from '../adapters/server.js';
import { parseMultipart } from '../support/parse-multipart.js';
import {
  bytesOf,
  requestOf,
  type Ask,
  type CaseFile,
  type Expectation,
  type HeaderRule,
  type HttpCase,
} from './http-case.js';

/** Runs one case; the faults of the answer, one list for each answer that would have done, or none. */
export async function httpCaseFaults(one: HttpCase, ask: Ask): Promise<readonly (readonly string[])[]> {
  const plain = await ask({ method: 'HEAD' });
  const reply = await ask(requestOf(one, plain));
  const accepted = [{ ...one.expect, ...one.strict }, ...(one.alternatives ?? [])];
  const verdicts = accepted.map((expected) => faults(expected, reply, plain, one.file));
  return verdicts.some((found) => found.length === 0) ? [] : verdicts;
}

function faults(expected: Expectation, reply: Reply, plain: Reply, file: CaseFile): string[] {
  const found: string[] = [];
  if (![expected.status].flat().includes(reply.status))
    found.push(`status ${reply.status}, not ${String(expected.status)}`);
  for (const [name, rule] of Object.entries(expected.headers)) {
    const value = reply.headers[name]?.toString() ?? null;
    if (!obeys(value, rule, name, plain, reply)) found.push(`${name}: ${value}, not ${JSON.stringify(rule)}`);
  }
  if (expected.encoding !== undefined) {
    const encoding = reply.headers['content-encoding'] ?? null;
    if (![expected.encoding].flat().includes(encoding)) found.push(`encoding ${encoding}`);
  }
  if (expected.bodies !== undefined) {
    if (![expected.bodies].flat().includes(reply.body.toString())) found.push(`body ${reply.body.toString()}`);
    return found;
  }
  if (expected.multipart) return found.concat(multipartFaults(expected, reply, plain, file));
  const slice = expected.bodyIf200 && reply.status === 200 ? [0, bytesOf(file).byteLength] : expected.bodySlice;
  const body = slice === null ? Buffer.alloc(0) : slice === 'any' ? reply.body : wanted(file, slice[0]!, slice[1]!);
  if (!reply.body.equals(body)) found.push(`body of ${reply.body.byteLength} bytes, not ${body.byteLength}`);
  if (reply.body.byteLength > (expected.maxBytes ?? Infinity)) found.push('body too long');
  return found;
}

function multipartFaults({ multipart = [], total }: Expectation, reply: Reply, plain: Reply, file: CaseFile): string[] {
  if (Number(reply.headers['content-length']) !== reply.body.byteLength) return ['the length is not that of the body'];
  try {
    const parts = parseMultipart(reply.headers['content-type'] ?? '', reply.body);
    const same = parts.map(({ headers, bytes }, index) => {
      const [from, to] = multipart[index] ?? [0, 0];
      return (
        bytes.equals(wanted(file, from, to)) &&
        headers['content-range'] === `bytes ${from}-${to - 1}/${total}` &&
        headers['content-type'] === plain.headers['content-type']
      );
    });
    return same.length === multipart.length && !same.includes(false) ? [] : [`parts are ${JSON.stringify(parts)}`];
  } catch (error) {
    return [String(error)];
  }
}

function wanted(file: CaseFile, from: number, to: number): Buffer {
  return file.sparse ? Buffer.alloc(to - from) : bytesOf(file).subarray(from, to);
}

function obeys(value: string | null, rule: HeaderRule, name: string, plain: Reply, reply: Reply): boolean {
  const before = plain.headers[name]?.toString() ?? null;
  if (rule === null || typeof rule === 'string') {
    if (rule === '@etag' || rule === '@same' || rule === '@full') return value === before;
    return value === rule;
  }
  if ('re' in rule) return value !== null && new RegExp(rule.re, 'i').test(value);
  if ('not' in rule) return value === null || !new RegExp(rule.not).test(value);
  if ('oneOf' in rule) return rule.oneOf.some((one) => obeys(value, one, name, plain, reply));
  if ('differsFromIdentity' in rule) return value !== null && value !== before;
  return value === null || Date.parse(value) <= Date.parse(reply.headers.date!);
}
