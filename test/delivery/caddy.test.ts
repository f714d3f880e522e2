import { caddyFileServer } from 'filefield';
import type { DeliveryMember } from '../contracts/delivery/bench.js';
import { frontSuite } from './front-suite.js';

const member: DeliveryMember = {
  server: 'caddy',
  // What Caddy 2.6 wants; later ones want 'encoded'.
  delivery: (places) => caddyFileServer(places, { paths: 'raw' }),
  places: 'prefix',
  header: 'x-accel-redirect',
  validators: 'server',
  streams: [
    'trail ',
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
  keepsHeadOfLost: true,
  outside: [404],
  away: 502,
};

frontSuite(member);
