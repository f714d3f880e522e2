import type { IncomingHttpHeaders } from 'node:http';
import type { OpenResponse } from '../send/in-process.js';
import type { FrontResponse } from './front-client.js';

type Headers = OpenResponse['headers'];

/** What a browser goes by, and fronts are known to drop. */
const kept = [
  'content-type',
  'content-disposition',
  'cache-control',
  'x-content-type-options',
  'content-security-policy',
  'access-control-allow-origin',
  'cross-origin-resource-policy',
  'referrer-policy',
  'vary',
];

/** Names of the view's headers that did not arrive; what the front adds to one does no harm. */
export function lostHeaders(own: Headers, arrived: IncomingHttpHeaders, replaced: readonly string[]): string[] {
  const meant = new Set(replaced.map((name) => name.toLowerCase()));
  return kept.filter((name) => {
    if (meant.has(name) || own[name] === undefined) return false;
    const parts = partsOf(arrived[name]);
    return !partsOf(own[name]).every((part) => parts.includes(part));
  });
}

function partsOf(value: string | readonly string[] | undefined): string[] {
  return String(value ?? '')
    .toLowerCase()
    .split(',')
    .map((part) => part.replace(/\s/g, ''));
}

/** The headers that tell where a file is kept: all in which the id in its key occurs. */
export function headersWith(headers: IncomingHttpHeaders | Headers, id: string): string[] {
  return Object.entries(headers).flatMap(([name, value]) => (String(value).includes(id) ? [`${name}: ${value}`] : []));
}

/** What was said and what came of it, for the log of this process. */
export function evidence(answer: FrontResponse, own: Headers = {}, id = ''): Error {
  const told = id === '' ? [] : headersWith(own, id).map((header) => `The view said "${header}".`);
  const headers = { ...answer.headers, 'set-cookie': undefined };
  const body = answer.body.byteLength;
  return new Error(
    [...told, `The front answered ${answer.status}, ${body} bytes, ${JSON.stringify(headers)}.`].join(' '),
  );
}
