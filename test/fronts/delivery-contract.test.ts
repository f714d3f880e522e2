import { caddyFileServer, xAccelRedirect, xSendfile, type Delivery } from 'filefield';
import { DeliveryBench, type DeliveryMember } from '../contracts/delivery/bench.js';
import { deliveryContract } from '../contracts/delivery-contract.js';
import { apache, caddy, lighttpd, nginx } from './members.js';
import { haveFront } from './start-front.js';

/** A delivery with one header changed. */
function changed(delivery: Delivery, header: string, change: (value: string) => string): Delivery {
  return (handler) => async (request) => {
    const response = await delivery(handler)(request);
    const value = response.headers[header];
    if (value === undefined) return response;
    return { ...response, headers: { ...response.headers, [header]: change(value) } };
  };
}

const safety = 'sends type, name, caching and security headers of the view with every status';
const outside = 'sends no file outside of the place when the application names one';
const twins = 'never takes two files of one size and one second for the same';
const leaks = 'removes headers that another server would act on';
const sends = (name: string) => `sends the file named ${JSON.stringify(name)} with an unchanged Content-Disposition`;

/** Members with one fault each, and the claim that must fail. */
const faults: Readonly<Record<string, readonly [claim: string, member: DeliveryMember]>> = {
  'nginx with unencoded paths': [
    sends('pct%2Fx'),
    { ...nginx, delivery: (places) => changed(xAccelRedirect(places), 'x-accel-redirect', decodeURIComponent) },
  ],
  'nginx without add_header': [
    safety,
    { ...nginx, spoil: (text) => text.replaceAll(/^ *add_header X-Content-Type-Options.*$/gm, '') },
  ],
  'nginx with add_header always': [
    'sends each header once',
    { ...nginx, spoil: (text) => text.replaceAll(/(add_header .*);/g, '$1 always;') },
  ],
  'nginx with tags of its own': [
    twins,
    { ...nginx, spoil: (text) => text.replace('etag off;', '').replace(/^ *add_header ETag.*$/m, '') },
  ],
  'nginx that compares times': [
    'compares times with that of the view, not with that on the disk',
    { ...nginx, spoil: (text) => text.replace('if_modified_since off;', '') },
  ],
  'Caddy with tags of its own': [twins, { ...caddy, spoil: (text) => text.replace(/ETag \{rp.*/, '') }],
  'nginx without internal': [
    'returns 404 to a client that requests the place itself',
    { ...nginx, spoil: (text) => text.replaceAll('internal;', '') },
  ],
  'nginx with a limit for uploads': [
    'passes on an upload of 12 MB unbuffered',
    { ...nginx, spoil: (text) => text.replace('client_max_body_size 0;', '') },
  ],
  'nginx that passes on no Upgrade': [
    'passes on a WebSocket in both directions',
    { ...nginx, spoil: (text) => text.replace('proxy_set_header Upgrade $filefield_upgrade;', '') },
  ],
  'nginx that passes on the Host as it came': [
    'passes on a request of HTTP/1.0 without Host',
    { ...nginx, spoil: (text) => text.replace('Host $filefield_host;', 'Host $http_host;') },
  ],
  'Apache that keeps what clients say about where they come from': [
    'passes on the URL unchanged, and Host, X-Forwarded-For and X-Forwarded-Proto',
    {
      ...apache,
      spoil: (text) => text.replace('ProxyAddHeaders Off', '').replace(/RequestHeader set X-Forwarded-For.*/, ''),
    },
  ],
  'Apache with encoded paths': [
    sends('a b.txt'),
    { ...apache, delivery: (places) => changed(xSendfile(places, { server: 'apache' }), 'x-sendfile', encodeURI) },
  ],
  'Apache that may send all files': [
    outside,
    { ...apache, spoil: (text) => text.replace(/XSendFilePath .*/, 'XSendFilePath /') },
  ],
  'Apache that decodes slashes': [
    'passes on the URL unchanged, and Host, X-Forwarded-For and X-Forwarded-Proto',
    { ...apache, spoil: (text) => text.replace('AllowEncodedSlashes NoDecode', '') },
  ],
  'Apache without Header unset': [leaks, { ...apache, spoil: (text) => text.replaceAll(/^ *Header unset.*$/gm, '') }],
  'lighttpd with unencoded paths': [
    sends('pct%2Fx'),
    {
      ...lighttpd,
      delivery: (places) => changed(xSendfile(places, { server: 'lighttpd' }), 'x-sendfile', decodeURIComponent),
    },
  ],
  'lighttpd that buffers responses': [
    'passes on a streamed response chunk by chunk',
    { ...lighttpd, spoil: (text) => text.replace('server.stream-response-body = 2', '') },
  ],
  'lighttpd that caches the size of files': [
    'sends another ETag after the file has changed',
    { ...lighttpd, spoil: (text) => text.replace('server.stat-cache-engine := "disable"', '') },
  ],
  'Caddy 2.6 with encoded paths': [sends('a b.txt'), { ...caddy, delivery: (places) => caddyFileServer(places) }],
  'Caddy without copy_response_headers': [
    safety,
    { ...caddy, spoil: (text) => text.replace(/copy_response_headers \{[^}]*\}/, '') },
  ],
  'Caddy that turns HEAD into GET': [
    'answers HEAD with the length and no body, and the next request on the connection',
    { ...caddy, spoil: (text) => text.replace('method @other GET', 'method * GET') },
  ],
  'a delivery that does not hand over': [
    'sends the file, of which the application sends no bytes',
    { ...nginx, delivery: () => (handler) => handler },
  ],
};

const installed = Object.keys(faults).filter((fault) => haveFront(faults[fault]![1].server));

// Without any of the servers there is nothing to test.
(installed.length > 0 ? describe : describe.skip)('deliveryContract', () => {
  it.each(installed)('fails for %s', async (fault) => {
    const [title, member] = faults[fault]!;
    const claim = deliveryContract.find((one) => one.title === title)!;
    const bench = new DeliveryBench(member);
    try {
      await bench.start();
      await expect(claim.run(bench)).rejects.toThrow(/./);
    } finally {
      await bench.stop();
    }
  });

  it('has a different title for every claim', () => {
    const titles = deliveryContract.map(({ title }) => title);
    expect(titles.length).toBeGreaterThan(80);
    expect(new Set(titles).size).toBe(titles.length);
  });
});
