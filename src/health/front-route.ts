import type { FrontResponse } from './front-client.js';
import type { Probe } from './probe.js';
import { askHeader } from './probe-view.js';

const questions = {
  mounted: 'Is the `view` of this check mounted there, with the parameter `id`?',
  site: 'Does another site answer for this address: is the name of the host in --server-name, is a default site still enabled?',
  login: 'Is a login or an access rule in between: can it let this URL pass, or does it need the option `headers`?',
  cache: 'Does a cache or a CDN answer instead?',
} as const;

/** What came in place of the 204 of the view, and where to look; what is most likely stands first. */
export function routeSentence(response: FrontResponse, probe: Probe, url: URL): string {
  const { status, body, headers } = response;
  if (status === 200 && body.equals(probe.bytes)) {
    return `The front removes the header ${askHeader} of requests: let it pass to the application.`;
  }
  if (leadsToTls(headers.location, url)) {
    return `The front answers ${status}: it redirects to https. Give the check a URL with https.`;
  }
  const refuses = status === 401 || status === 403 || (status >= 300 && status < 400);
  const order = refuses
    ? (['login', 'site', 'mounted'] as const)
    : status === 200
      ? (['site', 'login', 'cache', 'mounted'] as const)
      : (['mounted', 'site', 'login', 'cache'] as const);
  return `The front answers ${status}${origin(headers)}: that is not the view of this check. ${order.map((name) => questions[name]).join(' ')}`;
}

function leadsToTls(location: string | undefined, url: URL): boolean {
  if (location === undefined || url.protocol !== 'http:' || !URL.canParse(location, url.href)) return false;
  const target = new URL(location, url);
  return target.protocol === 'https:' && target.pathname === url.pathname;
}

/** The type and the server of a response, if they are ordinary words. */
function origin(headers: FrontResponse['headers']): string {
  const words = [headers['content-type']?.split(';')[0], String(headers.server ?? '')].filter(
    (word) => word !== undefined && /^[\w.+-]+(\/[\w.+-]+)?( \(\w+\))?$/.test(word),
  );
  return words.length === 0 ? '' : ` (${words.join(', ')})`;
}
