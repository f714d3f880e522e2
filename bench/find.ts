import 'reflect-metadata';
import { ledgerTables, StorageRegistry } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { attachFiles, createLedger, FileField, type StoredFile } from 'filefield/typeorm';
import { Column, DataSource, Entity, PrimaryGeneratedColumn, type DataSourceOptions } from 'typeorm';

// What a file column costs when rows are loaded, beside a column of type simple-json with the same content: CPU
// milliseconds of this process, by turns, the lower quartile. More than 1.00: the file column is cheaper.
const rows = Number(process.env.BENCH_ROWS ?? 10_000);
const rounds = Number(process.env.BENCH_ROUNDS ?? 25);

@Entity('bench_found')
class Found {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar') title!: string;
  @FileField({ storage: 'documents' }) file!: StoredFile | null;
}

@Entity('bench_found_json')
class FoundJson {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar') title!: string;
  @Column('simple-json', { nullable: true }) file!: unknown;
}

const databases: Readonly<Record<string, DataSourceOptions>> = {
  SQLite: { type: 'sqlite', database: ':memory:' },
  PostgreSQL: { type: 'postgres', url: process.env.BENCH_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/test' },
  MariaDB: { type: 'mariadb', url: process.env.BENCH_MARIADB ?? 'mysql://root@127.0.0.1:3306/test' },
};

async function cpu(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const quartile = (times: number[]) => times.sort((one, other) => one - other)[Math.floor(times.length / 4)]!;

console.log(
  `find() of ${rows} rows, CPU ms\n\n| database | file column | simple-json | ratio |\n| --- | --- | --- | --- |`,
);
for (const name of process.env.BENCH_DATABASES?.split(',') ?? Object.keys(databases)) {
  const options = { ...databases[name]!, entities: [Found, FoundJson] } as DataSourceOptions;
  const dataSource = await new DataSource(options).initialize().catch(() => undefined);
  if (!dataSource) {
    console.log(`| ${name} | not reachable |`);
    continue;
  }
  const drop = async () => {
    for (const table of ['bench_found', 'bench_found_json', ...ledgerTables]) {
      await dataSource.query(`DROP TABLE IF EXISTS ${table}`);
    }
  };
  await drop();
  await dataSource.synchronize();
  await createLedger(dataSource);
  const storages = new StorageRegistry({ documents: new MemoryStorage() });
  const files = await attachFiles(dataSource, { storages, protection: 'off' });
  const descriptor = (await files.stage(Found, 'file', 'text', { name: 'plan.txt' })).toDescriptor();
  for (const table of ['bench_found', 'bench_found_json']) {
    for (let from = 0; from < rows; from += 1000) {
      const values = Array.from({ length: Math.min(1000, rows - from) }, (_, index) => {
        const id = `${descriptor.id.slice(0, -8)}${String(from + index).padStart(8, '0')}`;
        return `('row ${from + index}', '${JSON.stringify({ ...descriptor, id })}')`;
      });
      await dataSource.query(`INSERT INTO ${table} (title, file) VALUES ${values.join(', ')}`);
    }
  }
  const times = { file: [] as number[], json: [] as number[] };
  const find = { file: () => dataSource.manager.find(Found), json: () => dataSource.manager.find(FoundJson) };
  for (let round = 0; round < rounds; round += 1) {
    const turns = round % 2 === 0 ? (['file', 'json'] as const) : (['json', 'file'] as const);
    for (const turn of turns) {
      globalThis.gc?.();
      times[turn].push(await cpu(find[turn]));
    }
  }
  const [file, json] = [quartile(times.file), quartile(times.json)];
  console.log(`| ${name} | ${file.toFixed(1)} | ${json.toFixed(1)} | ${(json / file).toFixed(2)} |`);
  await drop();
  await dataSource.destroy();
}
