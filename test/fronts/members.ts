import { caddyFileServer, xAccelRedirect, xSendfile } from 'filefield';
import { awkwardNames } from '../contracts/delivery/awkward-names.js';
import type { DeliveryMember } from '../contracts/delivery/bench.js';

export const nginx: DeliveryMember = {
  server: 'nginx',
  delivery: (places) => xAccelRedirect(places),
  streams: [],
  loses: ['x-custom'],
  saysRanges: true,
  tellsSize: true,
  joinsRanges: false,
  headOfRange: 206,
  lost: { gone: 404, folder: 404, unreadable: 403 },
  keepsHeadOfLost: true,
  outside: [404],
  passesProtocols: false,
  away: 502,
};

export const apache: DeliveryMember = {
  server: 'apache',
  delivery: (places) => xSendfile(places, { server: 'apache' }),
  streams: ['trail ', 'line\nbreak', 'return\rhere', 'bell\u0007', 'del\u007f'],
  loses: [],
  saysRanges: false,
  tellsSize: false,
  joinsRanges: false,
  headOfRange: 206,
  lost: { gone: 404, folder: 404, unreadable: 404 },
  keepsHeadOfLost: false,
  outside: [404],
  passesProtocols: false,
  away: 503,
};

export const lighttpd: DeliveryMember = {
  server: 'lighttpd',
  delivery: (places) => xSendfile(places, { server: 'lighttpd' }),
  streams: ['tab\there', 'line\nbreak', 'return\rhere', 'bell\u0007', 'del\u007f'],
  loses: [],
  saysRanges: true,
  tellsSize: false,
  joinsRanges: true,
  headOfRange: 200,
  lost: { gone: 404, folder: 403, unreadable: 403 },
  keepsHeadOfLost: false,
  outside: [403, 404],
  passesProtocols: false,
  away: 503,
};

export const caddy: DeliveryMember = {
  server: 'caddy',
  // For Caddy 2.6; later versions need 'encoded'.
  delivery: (places) => caddyFileServer(places, { paths: 'raw' }),
  // Caddy 2.6 would find names with # and %, but Caddy 2.7 would read them as other names.
  streams: [
    'trail ',
    ...awkwardNames.filter((name) => /[#%]/.test(name) && !name.includes('?')),
    'what?',
    'what?x=1&y=2',
    'deep folder/100%/a#b?.txt',
    'tab\there',
    'line\nbreak',
    'return\rhere',
    'bell\u0007',
    'del\u007f',
  ],
  loses: [],
  saysRanges: true,
  tellsSize: true,
  joinsRanges: false,
  headOfRange: 206,
  lost: { gone: 404, folder: 404, unreadable: 403 },
  keepsHeadOfLost: false,
  outside: [404],
  passesProtocols: true,
  away: 502,
};
