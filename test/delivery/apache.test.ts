import { xSendfile } from 'filefield';
import type { DeliveryMember } from '../contracts/delivery/bench.js';
import { frontSuite } from './front-suite.js';

const member: DeliveryMember = {
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

frontSuite(member);
