import { grace } from './grace.js';
import express, { type ErrorRequestHandler, type Express } from 'express';
import {
  caddyFileServer,
  errorBody,
  HttpError,
  xAccelRedirect,
  xSendfile,
  type Delivery,
  type Files,
  type FrontName,
  type StorageRegistry,
} from 'filefield';
import { deliverWith, fileErrors } from 'filefield/express';
import { healthHandler, storageCheck } from 'filefield/health';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { documentFile, photoImage } from './fields.js';
import { guard, limitUploads, localHosts } from './guard.js';
import { Refusal } from './refusal.js';
import { shelfRoutes } from './routes.js';
import { seed } from './seed.js';
import { makeStorages, type StoragePlace, type Storages } from './storages.js';
import type { Library, OpenOptions } from './store.js';

export type OrmName = 'typeorm' | 'mikro';

export interface ApplicationOptions {
  /** Folder for the database and the files; created if it is missing. Each ORM and storage has its own folder in it. */
  readonly data: string;
  /** @default folders below `data` */
  readonly storage?: StoragePlace;
  /** @default 'typeorm' */
  readonly orm?: OrmName;
  /** Fill an empty library with the samples. @default true */
  readonly seed?: boolean;
  /** Milliseconds between sweeps; 0 turns them off. @default 10_000 */
  readonly sweepEvery?: number;
  /** The host names under which clients may ask. @default this machine's own */
  readonly hosts?: readonly string[];
  /** @default 16 */
  readonly uploadsAtOnce?: number;
  /** The server in front that sends the bytes. @default none: this process sends them */
  readonly front?: FrontName;
}

export interface Application {
  readonly app: Express;
  readonly files: Files;
  readonly storages: Storages;
  /** Ends sweeps and closes the database; close the HTTP server first. */
  close(): Promise<void>;
}

export async function createApplication(options: ApplicationOptions): Promise<Application> {
  const orm = options.orm ?? 'typeorm';
  const place = options.storage ?? { kind: 'disk' };
  const folder = path.resolve(options.data, place.kind === 'disk' ? orm : `${orm}-${place.kind}`);
  await mkdir(folder, { recursive: true });
  const library = await openLibrary(orm, {
    database: path.join(folder, 'database.sqlite'),
    storages: (inDatabase) => makeStorages(place, folder, inDatabase),
    ledger: { grace: grace() },
  });
  const { files, storages } = library;
  if (options.seed ?? true) {
    await seed(library).catch(async (error: unknown) => {
      await library.close();
      throw error;
    });
  }
  const interval = options.sweepEvery ?? 10_000;
  const stopSweeping = interval > 0 ? files.sweepEvery(interval) : undefined;

  const app = express();
  app.disable('x-powered-by');
  app.use(guard(options.hosts ?? localHosts), limitUploads(options.uploadsAtOnce ?? 16));
  app.use(express.static(fileURLToPath(new URL('page', import.meta.url)), { setHeaders: protectPage }));
  app.get('/rules', (_request, response) => void response.json(rules));
  if (options.front) app.use(deliverWith(deliveries[options.front](storages)));
  app.use('/documents', shelfRoutes(files, library.documents));
  app.use('/photos', shelfRoutes(files, library.photos));
  app.get(
    '/health',
    healthHandler({
      documents: storageCheck(storages.get('documents')),
      photos: storageCheck(storages.get('photos')),
    }),
  );
  app.use(() => {
    throw new Refusal(404, 'not_found');
  });
  app.use(fileErrors());
  app.use(lastErrors);

  return {
    app,
    files,
    storages,
    async close() {
      await stopSweeping?.();
      await library.close();
    },
  };
}

/** The delivery of each server in front. */
const deliveries: Readonly<Record<FrontName, (storages: StorageRegistry) => Delivery>> = {
  nginx: (storages) => xAccelRedirect(storages),
  apache: (storages) => xSendfile(storages, { server: 'apache' }),
  lighttpd: (storages) => xSendfile(storages, { server: 'lighttpd' }),
  caddy: (storages) => caddyFileServer(storages),
};

/** Loads only the chosen ORM. */
async function openLibrary(orm: OrmName, options: OpenOptions): Promise<Library> {
  return orm === 'typeorm'
    ? (await import('./typeorm-store.js')).openTypeorm(options)
    : (await import('./mikro/mikro-store.js')).openMikro(options);
}

/** The rules of each shelf, for the file pickers and the messages of the page. */
const rules = {
  documents: { field: 'file', accept: documentFile.accept, maxSize: documentFile.maxSize },
  photos: { field: 'image', accept: photoImage.accept, maxSize: photoImage.maxSize },
};

const contentSecurityPolicy = [
  `default-src 'none'`,
  `script-src 'self'`,
  `style-src 'self'`,
  `img-src 'self'`,
  `media-src 'self'`,
  `connect-src 'self'`,
  `form-action 'none'`,
  `base-uri 'none'`,
  `frame-ancestors 'none'`,
].join('; ');

function protectPage(response: { setHeader(name: string, value: string): unknown }): void {
  response.setHeader('content-security-policy', contentSecurityPolicy);
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('referrer-policy', 'no-referrer');
  response.setHeader('cache-control', 'no-cache');
}

/** Handles the remaining errors: refusals, errors of Express (a malformed URL), and all others, which are only logged. */
const lastErrors: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
  const status = statusOf(error);
  if (status >= 500) console.error(error);
  if (response.headersSent) return void response.destroy();
  if (status === 503 && !(error instanceof Refusal)) response.set('Retry-After', '10');
  if (error instanceof Refusal) response.status(status).json(error);
  else if (status < 500) response.status(status).json(new Refusal(status, 'refused'));
  else response.status(status).json(errorBody(error instanceof HttpError ? error.cause : error));
};

function statusOf(error: unknown): number {
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
  return typeof status === 'number' && status >= 400 && status <= 599 ? status : 500;
}
