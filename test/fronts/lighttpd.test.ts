import { frontSuite } from './front-suite.js';
import { lighttpd } from './members.js';

frontSuite(lighttpd);
