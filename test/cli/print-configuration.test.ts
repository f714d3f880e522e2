import { chmodSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import express from 'express';
import { caddyFileServer, StorageRegistry, xAccelRedirect, xSendfile, type Delivery, type FrontName } from 'filefield';
import { toExpress } from 'filefield/express';
import { deliveryCheck } from 'filefield/health';
import { DiskStorage } from 'filefield/storages/disk';
import { serve, type RunningServer } from '../adapters/server.js';
import { freePort, haveFront, startFront, type RunningFront } from '../fronts/start-front.js';
import { commandFolder } from './run-filefield.js';

const folder = commandFolder();
folder.write(
  'filefield.config.mjs',
  `import { StorageRegistry } from 'filefield';
   import { DiskStorage } from 'filefield/storages/disk';
   import { MemoryStorage } from 'filefield/storages/memory';
   export const documents = new DiskStorage({ root: 'documents' });
   export const storages = new StorageRegistry({ documents, memory: new MemoryStorage() });`,
);

describe('filefield nginx, apache, lighttpd and caddy', () => {
  it.each(['nginx', 'apache', 'lighttpd', 'caddy'])(
    '%s prints a configuration for the storages with a folder',
    async (server) => {
      const args = [
        '--listen',
        '127.0.0.1:8099',
        '--upstream',
        'http://127.0.0.1:3099',
        '--server-name',
        'files.example',
      ];
      const { code, stdout, stderr } = await folder.run([server, ...args]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      for (const value of [path.join(folder.path, 'documents'), '8099', '3099', 'files']) {
        expect(stdout).toContain(value);
      }
      expect(stdout).not.toContain('memory');
    },
  );

  it('nginx prints several names, processes and headers', async () => {
    const { code, stdout } = await folder.run(
      ['nginx', '--listen', '80', '--trust-proxy', '--server-name', 'a.example b.example', '--server-name']
        .concat('*.c.example', '--upstream', 'unix:/run/a.sock', '--upstream', 'http://127.0.0.1:3001')
        .concat('--header', 'Strict-Transport-Security: max-age=31536000'),
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}server_name a\.example b\.example \*\.c\.example;/m);
    expect(stdout).toMatch(/^ {2}server unix:\/run\/a\.sock;\n {2}server 127\.0\.0\.1:3001;/m);
    expect(stdout).toMatch(/^ {4}add_header Strict-Transport-Security +"max-age=31536000";/m);
    expect(stdout).toMatch(/X-Forwarded-Proto \$filefield_proto;/);
  });

  it.each([
    [['--listen', 'everywhere'], /"listen" must be like/],
    [['--upstream', 'localhost'], /must be http/],
    [['--config', 'none.mjs'], /There is no file/],
    [['--port', '80'], /unknown option/],
    [['--path', 'app'], /"path" must be like/],
    [['--header', 'Strict-Transport-Security'], /must be like "Strict/],
  ])('exit with 2 and a sentence for %j', async (args, sentence) => {
    expect(await folder.run(['nginx', ...args])).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(sentence),
    });
  });

  it('exit with 2 without storages that have a folder', async () => {
    folder.write('checks.mjs', 'export const checks = {};');
    folder.write(
      'memory.mjs',
      `import { StorageRegistry } from 'filefield';
       import { MemoryStorage } from 'filefield/storages/memory';
       export const storages = new StorageRegistry({ memory: new MemoryStorage() });`,
    );
    const without = await folder.run(['nginx', '--config', 'checks.mjs']);
    expect(without).toMatchObject({ code: 2, stderr: expect.stringMatching(/must export "storages"/) });
    const memory = await folder.run(['nginx', '--config', 'memory.mjs']);
    expect(memory).toMatchObject({ code: 2, stderr: expect.stringMatching(/No storage .* has a folder/) });
  });

  it('print the location of a bucket for nginx, and exit with 2 for other values of --remote', async () => {
    const remote = (text: string, ...more: string[]) =>
      folder.run(['nginx', '--config', 'memory.mjs', '--remote', text, ...more]);
    const printed = await remote('https://bucket.s3.example=/_filefield/photos');
    expect(printed).toMatchObject({ code: 0, stderr: '' });
    expect(printed.stdout).toMatch(/^ {2}resolver .*\d/m);
    expect(printed.stdout).toMatch(/location \/_filefield\/photos\/ \{[^]*set \$filefield_remote bucket\.s3\.example;/);
    const given = await remote('https://bucket.s3.example=/_x', '--resolver', '10.0.0.53', '--resolver', '::1');
    expect(given.stdout).toMatch(/^ {2}resolver 10\.0\.0\.53 \[::1\];/m);
    const once = await remote('https://bucket.s3.example=/_x', '--resolver', 'off');
    expect(once.stdout).toMatch(/^ {4}proxy_pass https:\/\/bucket\.s3\.example;/m);
    expect(once.stdout).not.toContain('resolver');
    for (const wrong of ['https://bucket.s3.example', '=/_x', 'a=b=c', 'ftp://x=/_x']) {
      expect((await remote(wrong)).code).toBe(2);
    }
  });
});

const deliveries: readonly [FrontName, string, (storages: StorageRegistry) => Delivery][] = [
  ['nginx', 'xAccelRedirect(storages)', (storages) => xAccelRedirect(storages)],
  ['apache', "xSendfile(storages, { server: 'apache' })", (storages) => xSendfile(storages, { server: 'apache' })],
  [
    'lighttpd',
    "xSendfile(storages, { server: 'lighttpd' })",
    (storages) => xSendfile(storages, { server: 'lighttpd' }),
  ],
  ['caddy', `caddyFileServer(storages, { paths: 'raw' })`, (storages) => caddyFileServer(storages, { paths: 'raw' })],
];

for (const [server, code, delivery] of deliveries) {
  (haveFront(server) ? describe : describe.skip)(`filefield ${server} and filefield doctor`, () => {
    const site = commandFolder();
    const storage = new DiskStorage({ root: path.join(site.path, 'documents') });
    const storages = new StorageRegistry({ documents: storage });
    let application: RunningServer;
    let front: RunningFront | undefined;

    /** Runs `filefield doctor` in another process than the application. */
    const doctor = (mode: string) => {
      site.write(
        'filefield.config.mjs',
        `import { chmod } from 'node:fs/promises';
         import { caddyFileServer, StorageRegistry, xAccelRedirect, xSendfile } from 'filefield';
         import { deliveryCheck } from 'filefield/health';
         import { DiskStorage } from 'filefield/storages/disk';
         class Documents extends DiskStorage {
           async write(key, ...rest) {
             const info = await super.write(key, ...rest);
             await chmod(this.localPath(key), ${mode});
             return info;
           }
         }
         const documents = new Documents({ root: 'documents' });
         export const storages = new StorageRegistry({ documents });
         const url = 'http://127.0.0.1:${port}/probe';
         export const checks = { front: deliveryCheck({ storage: documents, delivery: ${code}, url }) };`,
      );
      return site.run(['doctor']);
    };
    let port = 0;

    beforeAll(async () => {
      chmodSync(site.path, 0o755);
      mkdirSync(storage.root);
      const app = express();
      const { view } = deliveryCheck({ storage, delivery: delivery(storages), url: 'http://unused.example' });
      app.get('/probe/:id', toExpress(view));
      application = await serve(app);
      port = await freePort();
      await doctor('0o644');
      const upstream = `http://127.0.0.1:${application.port}`;
      const args = ['--listen', `127.0.0.1:${port}`, '--upstream', upstream, '--standalone', 'run'];
      const { stdout } = await site.run([server, ...args]);
      front = await startFront(server, path.join(site.path, 'run'), stdout, port);
    });
    afterAll(async () => {
      await front?.stop();
      await application?.close();
    });

    it('agree: doctor passes with the printed configuration', async () => {
      const { code: ended, stdout } = await doctor('0o644');
      expect(stdout).toMatch(
        /^front +ok +write view header front .* lost_header validators public_place compression ranges head delete/m,
      );
      expect(ended).toBe(0);
    });

    it('disagree when the server may not read the file: doctor fails and names the account', async () => {
      const { code: ended, stdout } = await doctor('0');
      // mod_xsendfile answers 404 for such a file.
      const link = server === 'apache' ? 'mapping' : 'permission';
      expect(stdout).toMatch(new RegExp(`^front +failed +${link}, after`, 'm'));
      expect(stdout).toContain('account');
      expect(ended).toBe(1);
    });
  });
}
