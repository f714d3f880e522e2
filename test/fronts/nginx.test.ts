import { frontSuite } from './front-suite.js';
import { nginx } from './members.js';

frontSuite(nginx);
