// Builds the example application if necessary, and starts it with the same arguments.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { freshExample } from './fresh.mjs';

freshExample();
await import(pathToFileURL(path.resolve('dist-example/entities-example/start.js')).href);
