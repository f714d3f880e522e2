import { frontSuite } from './front-suite.js';
import { caddy } from './members.js';

frontSuite(caddy);
