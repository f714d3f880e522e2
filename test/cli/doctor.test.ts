import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { commandFolder } from './run-filefield.js';

const folder = commandFolder();
const config = (name: string, text: string) => {
  folder.write(
    name,
    `import { StorageRegistry, virtualView } from 'filefield';
     import { healthCheck, storageCheck, viewCheck } from 'filefield/health';
     import { DiskStorage } from 'filefield/storages/disk';
     ${text}`,
  );
  return ['doctor', '--config', name];
};
const documents = `const documents = new DiskStorage({ root: 'documents' });`;

describe('filefield doctor', () => {
  it('prints a line for each check and exits with 0 when all pass', async () => {
    const args = config(
      'fine.mjs',
      `${documents} export const storages = new StorageRegistry({ documents });
       const view = virtualView(() => ({ name: 'a.txt', content: 'hello' }));
       export const checks = { handbook: viewCheck(view) };`,
    );
    const { code, stdout, stderr } = await folder.run(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.replace(/\(\d+ ms\)/g, '(… ms)').split('\n')).toEqual([
      'documents  ok      write stat read range path delete (… ms)',
      `           in ${path.join(folder.path, 'documents')}`,
      'handbook   ok      get head range (… ms)',
      'not checked: ledger, because the configuration exports no "files"',
      'not checked: the server in front, because "checks" has no deliveryCheck',
      '2 checks, all passed',
      '',
    ]);
    expect(existsSync(path.join(folder.path, 'documents'))).toBe(false);
  });

  it('prints the failed link, what to do and the causes, and exits with 1', async () => {
    writeFileSync(path.join(folder.path, 'file'), '');
    const args = config(
      'broken.mjs',
      `const documents = new DiskStorage({ root: 'file/below' });
       const fault = new Error('connection lost', { cause: new Error('ECONNRESET') });
       export const checks = {
         documents: storageCheck(documents),
         database: healthCheck((link) => link('query', 'The database does not answer.', () => Promise.reject(fault))),
       };`,
    );
    const { code, stdout, stderr } = await folder.run(args);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toMatch(/^documents +failed +write \(\d+ ms\)\n +The storage does not accept a file: .*\n +cause: /);
    // The output is for a person at the machine, so it contains the path.
    expect(stdout).toContain(path.join(folder.path, 'file'));
    expect(stdout).toMatch(
      /database +failed +query \(\d+ ms\)\n +The database does not answer\.\n +cause: connection lost\n +cause: ECONNRESET\n/,
    );
    expect(stdout).toMatch(/2 checks, 2 failed\n$/);
  });

  it('prints JSON with the causes for --json', async () => {
    const args = config(
      'json.mjs',
      `${documents} export const storages = new StorageRegistry({ documents });
       export const checks = { mine: { run: () => Promise.reject(new Error('why')) } };`,
    );
    const { code, stdout } = await folder.run([...args, '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'failing',
      checks: {
        documents: { ok: true, links: [{ link: 'write', ok: true }, {}, {}, {}, {}, { link: 'delete' }] },
        mine: { ok: false, link: 'check', sentence: 'The check itself failed.', causes: ['why'] },
      },
    });
  });

  it('names in JSON the folders, and what it has not checked', async () => {
    const args = config(
      'parts.mjs',
      `import { MemoryStorage } from 'filefield/storages/memory';
       import { deliveryCheck } from 'filefield/health';
       ${documents} export const checks = {
         documents: storageCheck(documents),
         memory: storageCheck(new MemoryStorage()),
         front: deliveryCheck({ storage: documents, url: 'http://127.0.0.1:1' }),
       };`,
    );
    const { stdout } = await folder.run([...args, '--json']);
    const { checks, notChecked } = JSON.parse(stdout) as { checks: Record<string, object>; notChecked: string[] };
    expect(checks.documents).toMatchObject({ folder: path.join(folder.path, 'documents') });
    expect(checks.memory).toMatchObject({ notChecked: ['path: the storage has no folder on this machine'] });
    expect(notChecked).toEqual([
      'storages, because the configuration exports neither "storages" nor "files"',
      'ledger, because the configuration exports no "files"',
    ]);
  });

  it('exits with 2 when there is nothing to check', async () => {
    const { code, stdout, stderr } = await folder.run(config('nothing.mjs', 'export const checks = {};'));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^filefield: There is nothing to check: "storages" and "checks" of .* are empty/);
  });

  it('prints no warning with fifteen checks at once', async () => {
    const args = config(
      'many.mjs',
      `const storages = Array.from({ length: 15 }, (_, index) => new DiskStorage({ root: 'many/' + index, sync: false }));
       export const checks = Object.fromEntries(storages.map((storage, index) => ['a' + index, storageCheck(storage)]));`,
    );
    expect(await folder.run(args)).toMatchObject({ code: 0, stderr: '' });
  });

  it('adds no check for a storage that has one, and renames a check whose name is taken', async () => {
    const args = config(
      'once.mjs',
      `const [a, b] = ['a', 'b'].map((root) => new DiskStorage({ root }));
       export const storages = new StorageRegistry({ a, b });
       export const checks = { mine: storageCheck(a), b: healthCheck(async () => undefined) };`,
    );
    const { stdout } = await folder.run([...args, '--json']);
    expect(Object.keys((JSON.parse(stdout) as { checks: object }).checks)).toEqual(['b (storage)', 'mine', 'b']);
  });

  it('fails a check after --timeout, and deletes the probe of a write that ends later', async () => {
    const args = config(
      'hanging.mjs',
      `const documents = new DiskStorage({ root: 'late' });
       const write = documents.write.bind(documents);
       documents.write = async (key, body) => {
         await new Promise((resolve) => setTimeout(resolve, 500));
         return write(key, body);
       };
       export const checks = { documents: storageCheck(documents) };`,
    );
    const { code, stdout } = await folder.run([...args, '--timeout', '50ms']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/documents +failed +write .*\n +It did not finish in time\.\n +cause: .* 50 ms/);
    expect(existsSync(path.join(folder.path, 'late'))).toBe(false);
  });

  it.each(['soon', '-1s', ''])('exits with 2 for --timeout "%s"', async (timeout) => {
    const args = config('timeout.mjs', 'export const checks = {};');
    const { code, stderr } = await folder.run([...args, `--timeout=${timeout}`]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/"timeout" must be a duration/);
  });

  it('prints no colours unless stdout is a terminal', async () => {
    const args = config('plain.mjs', 'export const checks = { a: { run: async () => ({ ok: true, links: [] }) } };');
    // eslint-disable-next-line no-control-regex
    expect((await folder.run(args)).stdout).not.toMatch(/\u001b/);
  });
});
