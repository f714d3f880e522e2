// Builds the example application if necessary, and starts it with the same arguments; with `nest` as the first one, that on Nest.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { freshExample } from './fresh.mjs';

freshExample();
const program = process.argv[2] === 'nest' ? 'nest/main.js' : 'start.js';
await import(pathToFileURL(path.resolve('dist-example/entities-example', program)).href);
