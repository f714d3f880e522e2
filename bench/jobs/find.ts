import 'reflect-metadata';
import { MemoryStorage } from 'filefield/storages/memory';
import { attachFiles, createLedger, FileField, type StoredFile } from 'filefield/typeorm';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Column, DataSource, Entity, PrimaryGeneratedColumn, type DataSourceOptions } from 'typeorm';
import { typeormOptions, type Database } from '../lib/database.js';
import { each, serveJobs } from '../lib/jobs.js';

// find() of all rows of a table with a file column, and of one with the same content as JSON.
const [, , json, count] = process.argv;
const rows = Number(count);

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

const options = { ...typeormOptions(JSON.parse(json!) as Database), entities: [Found, FoundJson] } as DataSourceOptions;
const dataSource = await new DataSource(options).initialize();
await dataSource.synchronize();
await createLedger(dataSource);
const files = await attachFiles(dataSource, { storages: { documents: new MemoryStorage() }, protection: 'off' });
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

// The garbage of one side must not be collected in the time of the other.
setFlagsFromString('--expose-gc');
const prepare = async () => (runInNewContext('gc') as () => void)();
const find = (entity: new () => object) => each(() => dataSource.manager.find(entity), { prepare });
serveJobs({ file: find(Found), json: find(FoundJson) });
