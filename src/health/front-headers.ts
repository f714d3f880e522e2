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

/** The cause of a failed link, for the log of this process: the response, and the view's headers with the id of the probe. */
export function evidence(response: FrontResponse, sent: Headers = {}, id = ''): Error {
  const instructions = id === '' ? [] : headersWith(sent, id).map((header) => `The view sent "${header}".`);
  const headers = { ...response.headers, 'set-cookie': undefined };
  const bytes = response.body.byteLength;
  return new Error(
    [...instructions, `The front answered ${response.status}, ${bytes} bytes, ${JSON.stringify(headers)}.`].join(' '),
  );
}
