import type { IncomingHttpHeaders } from 'node:http';
import type { OpenResponse } from '../send/in-process.js';
import type { FrontResponse } from './front-client.js';

type Headers = OpenResponse['headers'];

/** Headers that browsers depend on and that fronts are known to drop. */
const expected = [
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

/** The names of the view's headers that did not arrive. The front may add elements to a list. */
export function lostHeaders(sent: Headers, arrived: IncomingHttpHeaders, replaced: readonly string[]): string[] {
  const ignored = new Set(replaced.map((name) => name.toLowerCase()));
  return expected.filter((name) => {
    if (ignored.has(name) || sent[name] === undefined) return false;
    const elements = elementsOf(arrived[name]);
    return !elementsOf(sent[name]).every((element) => elements.includes(element));
  });
}

/** The sentence about headers that did not arrive. */
export function lostSentence(names: readonly string[]): string {
  return `The front drops these headers of the view: ${names.join(', ')}.`;
}

function elementsOf(value: string | readonly string[] | undefined): string[] {
  return String(value ?? '')
    .toLowerCase()
    .split(',')
    .map((element) => element.replace(/\s/g, ''));
}

/** The headers that contain the id of a probe, which is part of its key: they reveal where it is stored. */
export function headersWith(headers: IncomingHttpHeaders | Headers, id: string): string[] {
  return Object.entries(headers).flatMap(([name, value]) => (String(value).includes(id) ? [`${name}: ${value}`] : []));
}

/** Headers of the view that identify its bytes; clients resume and cache by them. */
const validators = ['etag', 'last-modified'];

/** The names of the view's validators that arrived with another value, or not at all. */
export function changedValidators(sent: Headers, arrived: IncomingHttpHeaders, replaced: readonly string[]): string[] {
  const ignored = new Set(replaced.map((name) => name.toLowerCase()));
  return validators.filter(
    (name) => !ignored.has(name) && sent[name] !== undefined && String(arrived[name] ?? '') !== sent[name],
  );
}

/** The cause of a failed link, for the log of this process: the response, and the view's headers with the id of the probe. */
export function evidence(response: FrontResponse, sent: Headers = {}, id = ''): Error {
  const instructions = id === '' ? [] : headersWith(sent, id).map((header) => `The view sent "${header}".`);
  const headers = { ...response.headers, 'set-cookie': undefined };
  const bytes = response.body.byteLength;
  return new Error(
    [
      ...instructions,
      `The front answered ${response.status}, ${bytes} bytes, ${JSON.stringify(headers)}.`,
      ...beginning(response),
    ].join(' '),
  );
}

/** The first 80 characters of a page, such as an error page of another server. */
function beginning({ headers, body }: FrontResponse): string[] {
  if (headers['content-encoding'] !== undefined) return [];
  const text = body.subarray(0, 400).toString('utf8').replace(/\s+/g, ' ').trim();
  // A body that is no text, such as the probe, tells nothing.
  return text === '' || /[\p{Cc}\uFFFD]/u.test(text.slice(0, 80)) ? [] : [`It begins with "${text.slice(0, 80)}".`];
}
