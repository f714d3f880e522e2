import { copyFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { StoredFile } from 'filefield';
import { attachFiles, FileField } from 'filefield/typeorm';
import { DataSource, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { accident } from './accidents.js';
import { inEveryHall, inHall } from './halls.js';
import { openTypeormHall } from './typeorm-hall.js';

inEveryHall((t) => {
  accident('reaper-deletes-what-is-old-and-used', async () => {
    await t.insert('avatar', 'posts daily');
    await t.hall.query('UPDATE file_ledger SET created_at = 1');
    await t.repair();
    await t.files.reconcile({ deleteUnknown: true, from: { storage: 0, after: '' } });
    expect(await t.textOf('avatar')).toBe('posts daily');
  });

  accident('collector-deletes-a-fresh-upload', async () => {
    const collect = async () => {
      await t.files.sweep();
      await t.files.reconcile({ repair: true });
      await t.files.reconcile({ deleteUnknown: true, from: { storage: 0, after: '' } });
    };
    const slow = async function* () {
      yield 'layer ';
      await collect();
      yield 'of an image';
    };
    const file = await t.files.stage(t.hall.Exhibit, 'file', slow(), { name: 'layer.txt' });
    await delay(5);
    await collect();
    await t.hall.unit().insert({ slug: 'manifest', file });
    await collect();
    expect(await t.textOf('manifest')).toBe('layer of an image');
  });

  accident('failed-task-deletes-shared-content', async () => {
    const shared = await t.stage('content', 'shared');
    await t.hall.unit().insert({ slug: 'repository', shared });
    await t.hall.unit().insert({ slug: 'taken' });
    await expect(t.hall.unit().insert({ slug: 'taken', shared })).rejects.toThrow();
    await t.files.discard(shared);
    await t.repair();
    expect(await t.textOf('repository', 'shared')).toBe('content');
  });

  accident('clean-up-leaves-a-row-without-file', async () => {
    const file = await t.stage('temporary');
    await t.sweep();
    expect(await t.onDisk()).toEqual([]);
    await expect(t.hall.unit().insert({ slug: 'late', file })).rejects.toThrow(/no entry for this file|staged_expired/);
    expect(await t.hall.unit().find('late')).toBeNull();
  });

  accident('abandoned-uploads-stay', async () => {
    const kept = await t.stage('submitted');
    await t.stage('abandoned');
    await t.hall.unit().insert({ slug: 'form', file: kept });
    await t.files.sweep();
    expect(await t.onDisk()).toEqual(['abandoned', 'submitted']);
    expect(await t.sweep()).toMatchObject({ expired: 1, deleted: 1 });
    expect(await t.onDisk()).toEqual(['submitted']);
  });
});

/** All that a second service maps of the same database. */
@Entity('theme')
class Theme {
  @PrimaryGeneratedColumn() id!: number;
  @FileField({ storage: 'media' }) logo!: StoredFile | null;
}

describe('a second process', () => {
  inHall(
    () => openTypeormHall('sqlite'),
    (t, hall) => {
      const database = () => path.join(hall().folder, '..', 'museum.sqlite');
      const openSecond = (file: string, entities: (new () => object)[]) =>
        new DataSource({ type: 'sqlite', database: file, entities, synchronize: entities.includes(Theme) });

      accident('reaper-does-not-know-a-column', async () => {
        const service = await openSecond(database(), [Theme]).initialize();
        const files = await attachFiles(service, { storages: { media: hall().storage }, grace: 0 });
        const live = await t.insert('logo', 'in use');
        await t.stage('on its way');
        const unit = t.hall.unit();
        const row = (await unit.find('logo'))!;
        row.file = await t.stage('replaced');
        await unit.save(row);
        await t.hall.query(`UPDATE file_ledger SET lease_until = 1 WHERE state = 'pending'`);
        await delay(5);
        expect(await files.sweep()).toEqual({ expired: 0, revived: 0, deleted: 0, failed: 0, waiting: 0 });
        const { unreferenced, foreign } = await files.reconcile({ repair: true });
        expect({ unreferenced, foreign: foreign.length }).toEqual({ unreferenced: [], foreign: 1 });
        expect(await t.onDisk()).toEqual(['in use', 'on its way', 'replaced']);
        expect(live.file).not.toBeNull();
        await service.query('DROP TABLE theme');
        await service.destroy();
      });

      accident('copy-of-the-database-shares-the-bucket', async () => {
        await t.insert('production', 'an attachment');
        const copy = `${database()}-copy`;
        copyFileSync(database(), copy);
        const { options } = hall().dataSource;
        const staging = await new DataSource({
          ...options,
          database: copy,
          synchronize: false,
        } as typeof options).initialize();
        const files = await attachFiles(staging, { storages: { media: hall().storage }, grace: 0 });
        const faults: unknown[] = [];
        for (const application of [files, t.files]) application.on('fault', (fault) => void faults.push(fault));
        await files.deleteMany(hall().Exhibit, { slug: 'production' });
        await delay(5);
        expect(await files.sweep()).toMatchObject({ deleted: 0, waiting: 1 });
        // Two hours later it has a token of its own, and production finds it.
        const age = 'UPDATE file_fence SET token_at = token_at - 7200000';
        for (let round = 0; round < 3; round += 1) {
          await staging.query(age);
          await files.sweep();
          await t.files.sweep();
        }
        expect(faults).toHaveLength(2);
        await files.ledger.fence!.leave();
        await staging.destroy();
        await t.files.sweep();
        const stored = await t.onDisk();
        const unit = t.hall.unit();
        await unit.remove((await unit.find('production'))!);
        expect(stored).toEqual(['an attachment']);
      });
    },
  );
});
