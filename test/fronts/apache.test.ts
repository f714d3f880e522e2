import { frontSuite } from './front-suite.js';
import { apache } from './members.js';

frontSuite(apache);
