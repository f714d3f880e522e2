import { setTimeout as delay } from 'node:timers/promises';
import type { RequestListener } from 'node:http';
import express from 'express';
import { fileErrors, objectDownloadView } from 'filefield/express';
import { askServer, serve } from '../adapters/server.js';
import { accident } from './accidents.js';
import { inEveryHall, inHall } from './halls.js';
import { Exhibit, openTypeormHall } from './typeorm-hall.js';

inEveryHall((t) => {
  accident('delete-rolled-back-file-gone', async () => {
    await t.insert('document', 'survives');
    const work = t.hall.unit().transaction(async (unit) => {
      await unit.remove((await unit.find('document'))!);
      throw new Error('a callback says no');
    });
    await expect(work).rejects.toThrow('a callback says no');
    await t.repair();
    expect(await t.textOf('document')).toBe('survives');
  });

  accident('replace-rolled-back-old-file-gone', async () => {
    await t.insert('user', 'old avatar');
    const file = await t.stage('new avatar');
    const work = t.hall.unit().transaction(async (unit) => {
      const row = (await unit.find('user'))!;
      row.file = file;
      await unit.save(row);
      throw new Error('bla bla');
    });
    await expect(work).rejects.toThrow('bla bla');
    await t.repair();
    expect(await t.textOf('user')).toBe('old avatar');
    expect(await t.onDisk()).toEqual(['old avatar']);
  });

  accident('rollback-deletes-an-untouched-file', async () => {
    for (const slug of ['one', 'two']) await t.insert(slug, `file of ${slug}`);
    const work = t.hall.unit().transaction(async (unit) => {
      for (const slug of ['one', 'two', 'none']) {
        const row = (await unit.find(slug))!;
        row.room = 'another column';
        await unit.save(row);
      }
    });
    await expect(work).rejects.toThrow();
    await t.repair();
    expect(await t.onDisk()).toEqual(['file of one', 'file of two']);
    expect((await t.hall.unit().find('one'))!.room).toBe('');
  });

  accident('invalid-form-deletes-the-file', async () => {
    await t.insert('profile', 'still here');
    const row = (await t.hall.unit().find('profile'))!;
    row.file = null;
    // The form is invalid, and nobody saves the row.
    await t.repair();
    expect(await t.textOf('profile')).toBe('still here');
  });

  accident('failed-flush-deletes-the-file', async () => {
    await t.insert('lent', 'must stay');
    await t.hall.query(`INSERT INTO loan (exhibit_id) SELECT id FROM exhibit WHERE slug = 'lent'`);
    const unit = t.hall.unit();
    await expect(unit.remove((await unit.find('lent'))!)).rejects.toThrow(/foreign key/i);
    await t.repair();
    expect(await t.textOf('lent')).toBe('must stay');
  });

  accident('validation-error-purges-the-avatar', async () => {
    await t.insert('taken', 'other user');
    await t.insert('ann', 'avatar');
    const file = await t.stage('new avatar');
    const rename = async (slug: string) => {
      const unit = t.hall.unit();
      const row = (await unit.find('ann'))!;
      Object.assign(row, { slug, file });
      await unit.save(row);
    };
    await expect(rename('taken')).rejects.toThrow();
    expect(await t.textOf('ann')).toBe('avatar');
    await rename('anna');
    await t.sweep();
    expect(await t.textOf('anna')).toBe('new avatar');
    expect(await t.onDisk()).toEqual(['new avatar', 'other user']);
  });

  accident('rolled-back-insert-leaves-its-file', async () => {
    const file = await t.stage('never committed');
    const work = t.hall.unit().transaction(async (unit) => {
      await unit.insert({ slug: 'never', file });
      throw new Error('INVALID');
    });
    await expect(work).rejects.toThrow('INVALID');
    await t.sweep();
    expect(await t.onDisk()).toEqual([]);
  });

  accident('refused-insert-leaves-its-file', async () => {
    await t.insert('unique', 'first');
    await expect(t.insert('unique', 'second')).rejects.toThrow();
    await t.sweep();
    expect(await t.onDisk()).toEqual(['first']);
  });

  accident('row-committed-before-its-bytes', async () => {
    const end = t.hall.storage.fail('write', { after: 3 });
    await expect(t.insert('empty', 'never written')).rejects.toMatchObject({ code: 'storage_failed' });
    end();
    expect(await t.hall.unit().find('empty')).toBeNull();
  });
});

describe('a rule of a field, and downloads', () => {
  inHall(
    // The grace is what a download needs that found the old row.
    () => openTypeormHall('sqlite', 60_000),
    (t, hall) => {
      accident('clean-up-before-validation', async () => {
        await t.insert('image', 'large enough');
        const unit = t.hall.unit();
        const row = (await unit.find('image'))!;
        const replace = async () => {
          row.file = await t.files.stage(Exhibit, 'file', 'small'.repeat(10_000), { name: 'x.txt', maxSize: '10 KB' });
          await unit.save(row);
        };
        await expect(replace()).rejects.toMatchObject({ code: 'too_large' });
        await t.repair();
        expect(await t.onDisk()).toEqual(['large enough']);
        expect(await t.textOf('image')).toBe('large enough');
      });

      accident('gap-while-a-file-is-replaced', async () => {
        await t.insert('poster', 'version 0');
        const app = express();
        app.get('/:slug', objectDownloadView(hall().files, Exhibit, { field: 'file', slugField: 'slug' }));
        app.use(fileErrors());
        const server = await serve(app as unknown as RequestListener);
        const replies: string[] = [];
        let replacing = true;
        const download = async () => {
          while (replacing) {
            const { status, body } = await askServer(server.port, { path: '/poster' });
            replies.push(`${status} ${body}`);
          }
        };
        const downloads = [download(), download()];
        for (let version = 1; version <= 8; version += 1) {
          const slow = async function* () {
            yield 'version';
            await delay(20);
            yield ` ${version}`;
          };
          const file = await t.files.stage(Exhibit, 'file', slow(), { name: 'poster.txt' });
          await t.hall.unit().transaction(async (unit) => {
            const row = (await unit.find('poster'))!;
            row.file = file;
            await unit.save(row);
          });
          await t.files.sweep();
        }
        replacing = false;
        await Promise.all(downloads);
        await server.close();
        expect(replies.length).toBeGreaterThan(8);
        expect(replies.filter((reply) => !/^200 version \d$/.test(reply))).toEqual([]);
        await t.sweep();
        expect(await t.onDisk()).toEqual(['version 8']);
      });
    },
  );
});
