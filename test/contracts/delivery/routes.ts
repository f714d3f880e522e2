import type { IncomingMessage, ServerResponse } from 'node:http';
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import {
  downloadView,
  localFile,
  pathView,
  storageView,
  virtualView,
  type Delivery,
  type DownloadHandler,
} from 'filefield';
import { toNode } from 'filefield/node';
import { DiskStorage } from 'filefield/storages/disk';
import { instructionHeaders } from '../../../src/fronts/fronts.js';
import type { DeliveryBench } from './bench.js';

/** A request to the application of a bench. */
export interface Visit {
  readonly bench: DeliveryBench;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The part of the path after the route, decoded. */
  readonly name: string;
}

/** Headers that middleware sets before the view, as they should arrive. */
export const middlewareHeaders: Readonly<Record<string, string | string[]>> = {
  'set-cookie': ['one=1; Path=/; HttpOnly', 'two=2; Path=/'],
  'cross-origin-resource-policy': 'same-site',
  'access-control-allow-origin': 'https://page.example',
  'access-control-allow-credentials': 'true',
  'access-control-expose-headers': 'Content-Disposition, ETag',
  vary: 'Origin, Cookie',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000',
  'x-frame-options': 'SAMEORIGIN',
  'x-robots-tag': 'noindex',
  'repr-digest': 'sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:',
  'content-language': 'de, fr',
  link: '<https://page.example/licence>; rel="license"',
  'x-filefield-delivery': 'other',
  'x-custom': 'kept',
};

/** The handlers of the application, by the first segment of the path. */
export const routes: Readonly<Record<string, (visit: Visit) => void>> = {
  nothing: ({ response }) => response.writeHead(404).end(),
  /** A file of the place, handed over. */
  file: (visit) => run(visit, fileView(visit, visit.bench.delivery)),
  /** The same file as a file field has it: with a strong tag made of its bytes, and a time half an hour after that on disk. */
  tagged: (visit) => {
    const { bench, name } = visit;
    const tag = createHash('sha256')
      .update(readFileSync(bench.path(name)))
      .digest('hex')
      .slice(0, 32);
    const modified = new Date(statSync(bench.path(name)).mtimeMs + 1_800_000);
    run(visit, fileView(visit, bench.delivery, { etag: `"${tag}"`, modified }));
  },
  /** The same file, under a name of a thousand letters of three bytes each. */
  long: (visit) => run(visit, fileView(visit, visit.bench.delivery, { fileName: `${'本'.repeat(1000)}.html` })),
  /** The same file, streamed. */
  streamed: (visit) => run(visit, fileView(visit)),
  /** The same file, after middleware. */
  middleware: (visit) => {
    for (const [name, value] of Object.entries(middlewareHeaders)) visit.response.setHeader(name, value);
    run(visit, fileView(visit, visit.bench.delivery));
  },
  /** The same file, after middleware that sets the headers of all other servers. */
  leaky: (visit) => {
    for (const name of instructionHeaders) visit.response.setHeader(name, name === 'X-Accel-Limit-Rate' ? 'off' : '0');
    visit.response.removeHeader(visit.bench.server.header);
    run(visit, fileView(visit, visit.name === 'streamed.bin' ? undefined : visit.bench.delivery));
  },
  /** The same file; the disk changes after the view has responded. */
  changing: (visit) => {
    const delivery: Delivery = (handler) => {
      const handed = visit.bench.delivery(handler);
      return async (request) => {
        const response = await handed(request);
        visit.bench.meanwhile();
        return response;
      };
    };
    run(visit, fileView(visit, delivery));
  },
  stored: (visit) => {
    const storage = new DiskStorage({ root: visit.bench.root });
    run(visit, storageView<IncomingMessage>(storage, { name: visit.name, delivery: visit.bench.delivery }));
  },
  path: (visit) => {
    const { root, delivery } = visit.bench;
    run(visit, pathView<IncomingMessage>({ root, path: visit.name, delivery }));
  },
  outside: (visit) => {
    const file = localFile(path.join(visit.bench.folder, 'outside.bin'));
    run(
      visit,
      view(() => file, visit.bench.delivery),
    );
  },
  /** Two chunks; the second waits for the gate. */
  virtual: (visit) => {
    const content = async function* () {
      yield 'first,';
      await visit.bench.gate;
      yield 'last';
    };
    run(
      visit,
      virtualView(() => ({ name: 'made.csv', content }), { delivery: visit.bench.delivery }),
    );
  },
  forged: ({ bench, response }) => response.writeHead(200, { ...bench.forged, 'content-type': 'text/plain' }).end(),
  refused: ({ response }) =>
    response
      .writeHead(401, { 'set-cookie': middlewareHeaders['set-cookie'], 'www-authenticate': 'Basic' })
      .end('who are you?'),
  echo: ({ request, response }) => response.end(JSON.stringify({ url: request.url, headers: request.headers })),
  upload: ({ bench, request, response }) => {
    bench.arrived = 0;
    request.on('data', (chunk: Buffer) => (bench.arrived += chunk.byteLength));
    request.on('end', () => response.end(String(bench.arrived)));
  },
};

interface Given {
  readonly fileName?: string;
  readonly etag?: string;
  readonly modified?: Date;
}

function fileView({ bench, name }: Visit, delivery?: Delivery, given?: Given): DownloadHandler<IncomingMessage> {
  return view(() => localFile(bench.path(name)), delivery, given);
}

function view(
  file: () => ReturnType<typeof localFile>,
  delivery?: Delivery,
  given?: Given,
): DownloadHandler<IncomingMessage> {
  return downloadView<IncomingMessage, null>(async () => ({ subject: null, file }), { delivery, ...given });
}

function run({ request, response }: Visit, handler: DownloadHandler<IncomingMessage>): void {
  void toNode(handler, { onError: () => undefined })(request, response);
}
