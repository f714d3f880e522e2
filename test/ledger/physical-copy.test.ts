import 'reflect-metadata';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DiskStorage } from 'filefield/storages/disk';
import { createLedger } from 'filefield/typeorm';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { runCommand } from '../../src/cli/run-command.js';
import { isFenceKey } from '../../src/file/key.js';
import { Letter, openApplication, type Application } from '../support/copied-databases.js';
import { describeEach } from '../support/databases.js';
import { postgresCluster, postgresPrograms, type PostgresCluster } from '../support/postgres-cluster.js';

const programs = postgresPrograms();

/** A configuration file reads the files from here. */
const shared = globalThis as { filesOfConfiguration?: unknown };

/**
 * A copy of the files of a whole server - a snapshot of its volume, a restored base backup - has the system identifier, the names
 * and the object identifiers of the original: nothing in the database tells the two apart.
 */
describeEach(programs ? [programs] : [], 'the programs of a PostgreSQL server', 'a physical copy (%s)', (folder) => {
  let template: PostgresCluster;
  let servers: PostgresCluster[] = [];
  let opened: Application[] = [];
  let root: string;
  beforeAll(async () => {
    template = await postgresCluster(folder);
    const dataSource = await connect(template);
    await dataSource.synchronize();
    await createLedger(dataSource);
    await dataSource.destroy();
    template.stop('fast');
  });
  afterAll(() => template?.remove());
  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'filefield-physical-'));
  });
  afterEach(async () => {
    for (const { dataSource, close } of opened) if (dataSource.isInitialized) await close();
    for (const server of servers) server.remove();
    [servers, opened] = [[], []];
    await rm(root, { recursive: true, force: true });
  });

  const storage = () => new DiskStorage({ root: path.join(root, 'media'), sync: false });
  const connect = ({ port }: PostgresCluster) => {
    const options = { type: 'postgres', host: '127.0.0.1', port, username: 'postgres', database: 'postgres' };
    return new DataSource({ ...options, entities: [Letter] } as DataSourceOptions).initialize();
  };
  const open = async (server: PostgresCluster) => {
    opened.push(await openApplication(await connect(server), storage()));
    return opened.at(-1)!;
  };

  /** An original that has swept and is older than the fence, and its copy, on one folder. */
  async function originalAndCopy(mode: 'fast' | 'immediate'): Promise<{ original: Application; copy: Application }> {
    const server = await template.copy();
    servers.push(server);
    const before = await open(server);
    for (const title of ['one', 'two', 'three']) await before.add(title);
    await before.age();
    await before.files.sweep();
    await before.close();
    server.stop(mode);
    servers.push(await server.copy());
    server.start();
    return { original: await open(server), copy: await open(servers[1]!) };
  }

  const objects = async () => {
    const keys: string[] = [];
    for await (const { key } of storage().list()) if (!isFenceKey(key)) keys.push(key);
    return keys;
  };

  /** Both sweep in turn, for longer than the fence. */
  const bothSweep = async (applications: readonly Application[]) => {
    for (let round = 0; round < 6; round += 1) {
      for (const { files } of applications) await files.sweep();
      for (const { age } of applications) await age();
    }
  };

  let configurations = 0;
  const filefield = async ({ files }: Application, ...args: string[]) => {
    configurations += 1;
    const config = path.join(root, `filefield-${configurations}.config.mjs`);
    await writeFile(config, 'export const files = globalThis.filesOfConfiguration;\n');
    shared.filesOfConfiguration = files;
    let output = '';
    const stream = { write: (text: string) => (output += text).length > 0 };
    const terminal = { stdout: stream, stderr: stream, env: {} } as unknown as Parameters<typeof runCommand>[1];
    const code = await runCommand([...args, '--config', config], terminal);
    return { code, output };
  };

  it('of a server that was stopped: neither deletes, both are told once, and "filefield copied" settles it', async () => {
    const { original, copy } = await originalAndCopy('fast');
    await copy.remove('one');
    await original.remove('two');
    await bothSweep([copy, original]);
    expect(await original.read('one')).toBe('text of one');
    expect(await copy.read('two')).toBe('text of two');
    expect({ original: original.faults, copy: copy.faults }).toEqual({ original: ['contested'], copy: ['contested'] });
    expect((await filefield(original, 'status')).output).toContain('contested');

    expect(await filefield(copy, 'copied')).toMatchObject({ code: 0 });
    const own = await copy.add('own');
    await copy.remove('own');
    await copy.remove('three');
    await bothSweep([copy, original]);
    expect(await objects()).not.toContain(own);
    // The original deletes the file of its own removed row, and keeps those that the copy has removed.
    expect(await objects()).toHaveLength(2);
    expect([await original.read('one'), await original.read('three')]).toEqual(['text of one', 'text of three']);
  });

  it('of a server that crashed: "filefield moved" lets the copy go on, and "filefield accept" in another folder', async () => {
    const { original, copy } = await originalAndCopy('immediate');
    await original.remove('one');
    await bothSweep([original, copy]);
    expect({ original: original.faults, copy: copy.faults }).toEqual({ original: ['contested'], copy: ['contested'] });

    expect(await filefield(copy, 'moved')).toMatchObject({ code: 0 });
    await copy.remove('two');
    await bothSweep([copy]);
    expect(await copy.read('one')).toBe('text of one');
    expect(await objects()).toHaveLength(2);
    await original.remove('three');
    await original.files.sweep();
    expect(await copy.read('three')).toBe('text of three');

    await rm(path.join(root, 'media'), { recursive: true });
    await expect(copy.add('four')).rejects.toMatchObject({ code: 'wrong_storage' });
    expect(await filefield(copy, 'accept', 'media')).toMatchObject({ code: 0 });
    await copy.add('four');
    expect(await copy.read('four')).toBe('text of four');
  });
});
