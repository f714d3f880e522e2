import type { Group, OpenGroup, Settings } from '../lib/compare.js';
import { Folder, GiB, MiB } from '../lib/folder.js';
import { fileServer, startNginx } from '../lib/nginx.js';
import { Program } from '../lib/program.js';
import { downloads } from '../lib/served.js';

const note = 'sendfile: the kernel moves the bytes; no JavaScript, no authorisation, no rows';

/** Large files on node:http, beside nginx. */
export const nginxGroup: Group = { name: 'nginx', title: 'Large files, beside nginx', open };

async function open(settings: Settings): Promise<OpenGroup> {
  const folder = new Folder();
  const place = new Folder();
  const nginx = await startNginx(place.path, fileServer(folder.path));
  const program = await Program.start('servers/node', [folder.path]);
  const rows = Object.entries({ '1m': MiB, '1g': GiB }).map(([name, size]) => {
    folder.file(`${name}.bin`, size);
    const common = { connections: size === GiB ? 4 : 32, perMegabyte: true };
    const port = program.ready.port as number;
    const ours = downloads({ name: 'storage view', program, port, path: `/storage/${name}.bin`, ...common }, settings);
    const peer = nginx && downloads({ name: 'nginx', ...nginx, path: `/${name}.bin`, ...common }, settings);
    return { name: `nginx/${name}`, unit: 'µs/MB', rateUnit: 'MB', ours, peer, target: 0.9, note };
  });
  const close = async () => {
    await Promise.all([program.stop(), nginx?.program.stop()]);
    folder[Symbol.dispose]();
    place[Symbol.dispose]();
  };
  return { rows: nginx ? rows : [], close };
}
