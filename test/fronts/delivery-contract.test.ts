import { caddyFileServer, xAccelRedirect, xSendfile, type Delivery } from 'filefield';
import { DeliveryBench, type DeliveryMember } from '../contracts/delivery/bench.js';
import { deliveryContract } from '../contracts/delivery-contract.js';
import { apache, caddy, lighttpd, nginx } from './members.js';
import { haveFront } from './start-front.js';

/** What a delivery says, said in another way. */
function changed(delivery: Delivery, header: string, change: (value: string) => string): Delivery {
  return (handler) => async (request) => {
    const response = await delivery(handler)(request);
    const value = response.headers[header];
    if (value === undefined) return response;
    return { ...response, headers: { ...response.headers, [header]: change(value) } };
  };
}

const safety = 'keeps type, name, caching and safety of a page, whatever is answered';
const outside = 'sends nothing from outside of its places, even if the application asks for it';
const leaks = 'takes away what was meant for another server';
const found = (name: string) => `finds ${JSON.stringify(name)}, and says its name unharmed`;

/** Members with one fault each, and the claim that must notice. */
const faults: Readonly<Record<string, readonly [claim: string, member: DeliveryMember]>> = {
  'nginx that is told names as they are': [
    found('pct%2Fx'),
    { ...nginx, delivery: (places) => changed(xAccelRedirect(places), 'x-accel-redirect', decodeURIComponent) },
  ],
  'nginx that does not add the headers again': [
    safety,
    { ...nginx, spoil: (text) => text.replaceAll(/^ *add_header X-Content-Type-Options.*$/gm, '') },
  ],
  'nginx that adds them to errors too': [
    'sends each header once',
    { ...nginx, spoil: (text) => text.replaceAll(/(add_header .*);/g, '$1 always;') },
  ],
  'nginx whose locations can be asked for': [
    'lets no client reach the files without the view',
    { ...nginx, spoil: (text) => text.replaceAll('internal;', '') },
  ],
  'nginx that looks at an upload first': [
    'passes on an upload as it comes, however large',
    { ...nginx, spoil: (text) => text.replace('client_max_body_size 0;', '') },
  ],
  'Apache that is told names encoded': [
    found('a b.txt'),
    { ...apache, delivery: (places) => changed(xSendfile(places, { server: 'apache' }), 'x-sendfile', encodeURI) },
  ],
  'Apache that may send everything': [
    outside,
    { ...apache, spoil: (text) => text.replace(/XSendFilePath .*/, 'XSendFilePath /') },
  ],
  'Apache that knows better what an address means': [
    'tells the application who asks for what',
    { ...apache, spoil: (text) => text.replace('AllowEncodedSlashes NoDecode', '') },
  ],
  'Apache that lets everything through': [
    leaks,
    { ...apache, spoil: (text) => text.replaceAll(/^ *Header unset.*$/gm, '') },
  ],
  'lighttpd that is told names as they are': [
    found('pct%2Fx'),
    {
      ...lighttpd,
      delivery: (places) => changed(xSendfile(places, { server: 'lighttpd' }), 'x-sendfile', decodeURIComponent),
    },
  ],
  'lighttpd that keeps a body back': [
    'passes on a streamed answer as it is made',
    { ...lighttpd, spoil: (text) => text.replace('server.stream-response-body = 2', '') },
  ],
  'lighttpd that remembers the length of a file': [
    'gives a changed file another tag',
    { ...lighttpd, spoil: (text) => text.replace('server.stat-cache-engine := "disable"', '') },
  ],
  'Caddy that is told encoded names though it does not decode them': [
    found('a b.txt'),
    { ...caddy, delivery: (places) => caddyFileServer(places) },
  ],
  'Caddy that does not copy headers': [
    safety,
    { ...caddy, spoil: (text) => text.replace(/copy_response_headers \{[^}]*\}/, '') },
  ],
  'Caddy that makes HEAD a GET': [
    'answers HEAD with the length and no body, and stays in step',
    { ...caddy, spoil: (text) => text.replace('method @other GET', 'method * GET') },
  ],
  'a delivery that lets the application stream': [
    'sends the file, of which the application sends nothing',
    { ...nginx, delivery: () => (handler) => handler },
  ],
};

const here = Object.keys(faults).filter((fault) => haveFront(faults[fault]![1].server));

// Where no server is installed there is nothing to be said.
(here.length > 0 ? describe : describe.skip)('deliveryContract', () => {
  it.each(here)('notices %s', async (fault) => {
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

  it('gives every claim a title of its own', () => {
    const titles = deliveryContract.map(({ title }) => title);
    expect(titles.length).toBeGreaterThan(80);
    expect(new Set(titles).size).toBe(titles.length);
  });
});
