// Starts the example application; arguments go to it. What is missing or out of date is built first.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { freshExample } from './fresh.mjs';

freshExample();
await import(pathToFileURL(path.resolve('dist-example/entities-example/start.js')).href);
