import { caddyFileServer, xAccelRedirect, xSendfile } from 'filefield';
import { awkwardNames } from '../contracts/delivery/awkward-names.js';
import type { DeliveryMember } from '../contracts/delivery/bench.js';

export const nginx: DeliveryMember = {
  server: 'nginx',
  delivery: (places) => xAccelRedirect(places),
  places: 'prefix',
  header: 'x-accel-redirect',
  validators: 'server',
  streams: [],
  loses: ['x-custom'],
  saysRanges: true,
  tellsSize: true,
  joinsRanges: false,
  headOfRange: 206,
  lost: { gone: 404, folder: 404, unreadable: 403 },
  keepsHeadOfLost: true,
  outside: [404],
  away: 502,
};

export const apache: DeliveryMember = {
  server: 'apache',
  delivery: (places) => xSendfile(places, { server: 'apache' }),
  places: 'folder',
  header: 'x-sendfile',
  validators: 'view',
  streams: ['trail ', 'line\nbreak', 'return\rhere', 'bell\u0007', 'del\u007f'],
  loses: [],
  saysRanges: false,
  tellsSize: false,
  joinsRanges: false,
  headOfRange: 206,
  lost: { gone: 404, folder: 404, unreadable: 404 },
  keepsHeadOfLost: false,
  outside: [404],
  away: 503,
};

export const lighttpd: DeliveryMember = {
  server: 'lighttpd',
  delivery: (places) => xSendfile(places, { server: 'lighttpd' }),
  places: 'folder',
  header: 'x-sendfile',
  validators: 'view',
  streams: ['tab\there', 'line\nbreak', 'return\rhere', 'bell\u0007', 'del\u007f'],
  loses: [],
  saysRanges: true,
  tellsSize: false,
  joinsRanges: true,
  headOfRange: 200,
  lost: { gone: 404, folder: 403, unreadable: 403 },
  keepsHeadOfLost: false,
  outside: [403, 404],
  away: 503,
};

export const caddy: DeliveryMember = {
  server: 'caddy',
  // What Caddy 2.6 wants; later ones want 'encoded'.
  delivery: (places) => caddyFileServer(places, { paths: 'raw' }),
  places: 'prefix',
  header: 'x-accel-redirect',
  validators: 'server',
  // Those with # and % it could carry, and the next version would take for others.
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
  away: 502,
};
