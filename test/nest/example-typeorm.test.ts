import { describeExample } from './example.js';

describeExample('typeorm');
