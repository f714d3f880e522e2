import { xAccelRedirect } from 'filefield';
import type { DeliveryMember } from '../contracts/delivery/bench.js';
import { frontSuite } from './front-suite.js';

const member: DeliveryMember = {
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
  lost: { gone: 404, folder: 301, unreadable: 403 },
  keepsHeadOfLost: true,
  outside: [404],
  away: 502,
};

frontSuite(member);
