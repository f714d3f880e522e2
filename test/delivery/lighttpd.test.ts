import { xSendfile } from 'filefield';
import type { DeliveryMember } from '../contracts/delivery/bench.js';
import { frontSuite } from './front-suite.js';

const member: DeliveryMember = {
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

frontSuite(member);
