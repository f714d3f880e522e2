import { frontConfiguration } from 'filefield';
import type { Group, OpenGroup, Settings } from '../lib/compare.js';
import { createDatabase } from '../lib/database.js';
import { Folder } from '../lib/folder.js';
import { startNginx } from '../lib/nginx.js';
import { Program } from '../lib/program.js';
import { downloads } from '../lib/served.js';

const notes = {
  streamed: 'the application sends the bytes, through nginx',
  alone: 'nginx sends a file of a URL; no query, no authorisation',
};

/** An object view on Express that hands its files over to nginx. */
export const deliveryGroup: Group = {
  name: 'delivery',
  title: 'Files that are handed over to nginx',
  onlyNamed: true,
  open,
};

async function open(settings: Settings): Promise<OpenGroup> {
  const [folder, place] = [new Folder(), new Folder()];
  const database = (await createDatabase('sqlite', place.path))!;
  const program = await Program.start('servers/objects', ['typeorm', folder.path, JSON.stringify(database)]);
  const nginx = await startNginx(place.path, (port) => configuration(port, folder.path, place.path, program));
  const close = async () => {
    await Promise.all([program.stop(), nginx?.program.stop()]);
    folder[Symbol.dispose]();
    place[Symbol.dispose]();
  };
  if (!nginx) return { rows: [], close };
  const { port } = nginx;
  const both = {
    get cpu() {
      return program.cpu + nginx.program.cpu;
    },
  };
  const keys = program.ready.keys as Readonly<Record<string, string>>;
  const rows = ['1k', '1m', '16m'].flatMap((size) => {
    const connections = size === '16m' ? 8 : 32;
    const perMegabyte = size !== '1k';
    const side = (name: string, of: Pick<Program, 'cpu'>, path: string) =>
      downloads({ name, program: of, port, path, connections, perMegabyte }, settings);
    const units = perMegabyte ? { unit: 'µs/MB', rateUnit: 'MB' } : { unit: 'µs', rateUnit: 'requests' };
    const handed = side('handed over', both, `/handed/${size}`);
    return [
      {
        ...{ name: `delivery/${size}/application`, ...units, note: `${notes.streamed}; the time of the application` },
        ours: side('handed over', program, `/handed/${size}`),
        peer: side('streamed', program, `/view/${size}`),
      },
      {
        ...{
          name: `delivery/${size}/both`,
          ...units,
          note: `${notes.streamed}; the time of the application and of nginx`,
        },
        ours: handed,
        peer: side('streamed', both, `/view/${size}`),
      },
      {
        ...{ name: `delivery/${size}/alone`, ...units, note: notes.alone },
        ours: handed,
        peer: side('nginx alone', both, `/alone/${keys[size]}`),
      },
    ];
  });
  return { rows, close };
}

function configuration(port: number, root: string, standalone: string, program: Program): string {
  const text = frontConfiguration('nginx', {
    places: [{ folder: root, prefix: '/_documents' }],
    upstream: `http://127.0.0.1:${program.ready.port as number}`,
    listen: `127.0.0.1:${port}`,
    standalone,
  });
  // The worker must be able to read the files of the program.
  return text
    .replace('location / {', `location /alone/ { alias "${root}/"; }\n    location / {`)
    .replace(/^user .*$/m, process.getuid?.() === 0 ? 'user root;' : '');
}
