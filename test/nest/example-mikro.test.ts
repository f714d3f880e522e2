import { describeExample } from './example.js';

describeExample('mikro');
