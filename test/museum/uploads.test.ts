import { Readable } from 'node:stream';
import { until } from '../adapters/server.js';
import { descriptorsBelow } from '../support/descriptors-below.js';
import { accident } from './accidents.js';
import { inHall } from './halls.js';
import { openTypeormHall } from './typeorm-hall.js';
import { end, form, part, UploadSite } from './upload-site.js';

const cutOff = `400 ${JSON.stringify({
  statusCode: 400,
  error: 'Bad Request',
  code: 'malformed_upload',
  message: 'The multipart form is malformed or was cut off.',
})}`;

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const text = (content: string, name = 'a.txt') => new File([content], name);

describe('uploads over HTTP', () => {
  inHall(
    () => openTypeormHall('sqlite'),
    (t, hall) => {
      let site: UploadSite;
      beforeAll(async () => {
        site = await UploadSite.open(hall());
      });
      afterAll(() => site?.close());

      accident('empty-field-name-crashes', async () => {
        expect(await site.post('/a/file', part('name=""; filename="a.txt"') + end)).toMatch(/^400 .*malformed_upload/);
        expect(await t.onDisk()).toEqual([]);
        await site.expectAlive();
      });

      accident('cut-off-form-crashes', async () => {
        const cut = part('name="file"; filename="test.txt"', 'test without end boundary').slice(0, -2);
        expect(await site.post('/a/file', cut)).toBe(cutOff);
        expect(await t.onDisk()).toEqual([]);
        await site.expectAlive();
      });

      accident('cut-off-empty-file-crashes', async () => {
        const cut = part('name="file"; filename=""\r\nContent-Type: application/octet-stream', '') + '--';
        expect(await site.post('/a/file', cut)).toBe(cutOff);
        await site.expectAlive();
      });

      accident('aborted-uploads-leak', async () => {
        const content = 'x'.repeat(50_000);
        const clients = await Promise.all(
          Array.from({ length: 20 }, () => site.begin('/a/file', part('name="file"; filename="a.txt"', content))),
        );
        await until(() => descriptorsBelow(hall().folder) === 20, 'all uploads were under way');
        for (const { socket } of clients) socket.destroy();
        await until(() => descriptorsBelow(hall().folder) === 0, 'all files were closed');
        await site.expectAlive();
      });

      accident('aborted-uploads-fill-the-disk', async () => {
        for (let turn = 0; turn < 5; turn += 1) {
          const { socket } = await site.begin('/a/file', part('name="file"; filename="a.txt"', 'x'.repeat(50_000)));
          await until(() => descriptorsBelow(hall().folder) > 0, 'the upload was under way');
          socket.destroy();
          await until(() => descriptorsBelow(hall().folder) === 0, 'the file was closed');
          const broken = part('name="file"; filename="b.txt"', 'y'.repeat(50_000)) + '--B\r\nno header\r\n\r\n';
          expect(await site.post('/a/file', broken)).toBe(cutOff);
        }
        await until(() => descriptorsBelow(hall().folder) === 0, 'the last file was closed');
        expect(await t.onDisk()).toEqual([]);
        await site.expectAlive();
      });

      accident('two-field-names-crash', async () => {
        const names = ['a[4294967295]', 'a[]', 'a[4294967294]', 'a[-1]'];
        const reply = await site.post('/a/file', form(...names.map((name): [string, string] => [name, 'x'])));
        const fields = Object.fromEntries(names.map((name) => [name, 'x']));
        expect(reply).toBe(`201 ${JSON.stringify({ file: null, fields })}`);
        await site.expectAlive();
      });

      accident('nested-field-names-eat-memory', async () => {
        expect(await site.post('/a/file', form(['a[b][c]', 'x']))).toBe('201 {"file":null,"fields":{"a[b][c]":"x"}}');
        expect(await site.post('/b/file', form([`a${'[b]'.repeat(50)}`, 'x']))).toMatch(/^422 .*limit_exceeded/);
        expect(await site.post('/b/file', form([`a${'[b]'.repeat(20_000)}`, 'x']))).toMatch(/^400 .*malformed_upload/);
        await site.expectAlive();
      });

      accident('part-header-named-like-a-prototype', async () => {
        for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
          const header = `name="file"; filename="a.txt"\r\n${name}: x\r\n${name}: y`;
          expect(await site.post('/a/file', part(header) + end)).toMatch(/^201 /);
        }
        await site.expectAlive();
      });

      accident('malformed-part-header-crashes', async () => {
        for (const header of ['\x00\x01', ': no name', 'Content-Disposition', ' folded: first', 'a'.repeat(100_000)]) {
          const body = `--B\r\n${header}\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nx\r\n${end}`;
          expect(await site.post('/a/file', body)).toBe(cutOff);
        }
        expect(await t.onDisk()).toEqual([]);
        await site.expectAlive();
      });

      accident('skipped-part-crashes', async () => {
        const fields = Array.from({ length: 150 }, (_, index) => part(`name="f${index}"`)).join('');
        const cut = part('name="file"; filename="a.txt"', 'half').slice(0, -2);
        expect(await site.post('/a/file', fields + cut)).toMatch(/^422 .*limit_exceeded/);
        await site.expectAlive();
      });

      accident('field-name-pollutes-prototypes', async () => {
        const names = ['__proto__.toString', '__proto__[toString]', 'constructor.prototype.toString', '__proto__'];
        for (const name of names) {
          expect(await site.post('/a/file', form([name, text('x')]))).toMatch(/^422 .*unexpected_field/);
          expect(await site.post('/a/file', form([name, 'polluted']))).toMatch(/^201 /);
        }
        expect(String({})).toBe('[object Object]');
        expect(Object.keys(Object.prototype)).toEqual([]);
      });

      accident('forged-file-object', async () => {
        const bytes = { type: 'Buffer', data: [120] };
        const forged = [
          { file: true, buffer: bytes, filename: '../../x' },
          { v: 1, id: 'x', storage: 'media', key: '../../etc/passwd', name: 'x', size: 1, type: 'text/plain' },
          '2026/11/22/0123456789abcdef0123456789abcdef',
        ];
        for (const file of forged) {
          expect(await site.postJson('/json/forged', { file })).toMatch(/^400 .*invalid_value/);
        }
        expect(await t.hall.unit().find('forged')).toBeNull();
        expect(await t.onDisk()).toEqual([]);
      });

      accident('file-name-leaves-the-folder', async () => {
        const names = [
          '../../../home/www/.ssh/authorized_keys2',
          '/etc/cron.d/x',
          '..\\\\..\\\\boot.ini',
          '....//....//x',
        ];
        for (const [index, name] of names.entries()) {
          const reply = await site.post(`/${index}/file`, part(`name="file"; filename="${name}"`, 'ssh-rsa') + end);
          expect(reply).toMatch(/^201 \{"file":\{"name":"(authorized_keys2|x|boot.ini)"/);
        }
        expect(await t.onDisk()).toEqual(names.map(() => 'ssh-rsa'));
      });

      accident('broken-upload-replaces-the-file', async () => {
        expect(await site.post('/keepass/file', form(['file', text('all my passwords')]))).toMatch(/^201 /);
        const torso = part('name="file"; filename="a.txt"', 'x'.repeat(50_000));
        const { socket } = await site.begin('/keepass/file', torso);
        await until(() => descriptorsBelow(hall().folder) > 0, 'the upload was under way');
        socket.destroy();
        await until(() => descriptorsBelow(hall().folder) === 0, 'the file was closed');
        expect(await site.post('/keepass/file', torso.slice(0, -2))).toBe(cutOff);
        await t.sweep();
        expect(await site.get('keepass')).toBe('200 all my passwords');
        expect(await t.onDisk()).toEqual(['all my passwords']);
      });

      accident('same-name-overwrites', async () => {
        await site.post('/one/file', form(['file', text('of one user', 'photo.jpg')]));
        await site.post('/two/file', form(['file', text('of another', 'photo.jpg')]));
        expect([await site.get('one'), await site.get('two')]).toEqual(['200 of one user', '200 of another']);
      });

      accident('names-that-differ-in-case', async () => {
        await Promise.all([
          site.post('/lower/file', form(['file', text('lower', 'a.jpg')])),
          site.post('/upper/file', form(['file', text('upper', 'A.jpg')])),
        ]);
        expect([await site.get('lower'), await site.get('upper')]).toEqual(['200 lower', '200 upper']);
        const rows = await t.hall.query('SELECT object_key FROM file_ledger');
        for (const row of rows) expect(row.object_key).toBe(String(row.object_key).toLowerCase());
      });

      accident('check-then-write', async () => {
        const { storage } = t.hall;
        const key = '2026/11/22/0123456789abcdef0123456789abcdef';
        const writers = Array.from({ length: 10 }, (_, index) =>
          storage.write(key, Readable.from([Buffer.from(`${index}`)])),
        );
        const written = await Promise.allSettled(writers);
        const winner = written.findIndex(({ status }) => status === 'fulfilled');
        const losers = written.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
        expect(losers.map(({ reason }) => (reason as { code: string }).code)).toEqual(Array(9).fill('already_exists'));
        expect(await t.onDisk()).toEqual([String(winner)]);
        await storage.delete(key);
      });

      accident('overwritten-after-the-check', async () => {
        await site.post('/checked/image', form(['image', new File([png], 'a.png')]));
        const file = (await t.hall.unit().find('checked'))!.image!;
        const { key } = file.toDescriptor();
        const again = t.hall.storage.write(key, Readable.from([Buffer.alloc(100_000, '<script>')]));
        await expect(again).rejects.toMatchObject({ code: 'already_exists' });
        expect(Buffer.from(await file.bytes()).equals(png)).toBe(true);
      });

      accident('too-large-uploads-stay-in-tmp', async () => {
        const large = new File([png, Buffer.alloc(200_000)], 'large.png');
        expect(await site.post('/a/image', form(['image', large]))).toMatch(/^413 .*too_large.*maxSize/);
        await until(() => descriptorsBelow(hall().folder) === 0, 'the file was closed');
        expect(await t.onDisk()).toEqual([]);
      });

      accident('refused-upload-stays-in-the-bucket', async () => {
        const { write } = t.hall.storage.calls;
        expect(await site.post('/a/image', form(['image', text('{"not":"a picture"}', 'photo.jpg')]))).toMatch(
          /^415 .*wrong_type/,
        );
        expect(t.hall.storage.calls.write).toBe(write);
      });

      accident('declared-type-bypasses-the-list', async () => {
        const html = '<html><script>alert(1)</script>';
        for (const type of ['text/html;image/png', 'image/png', 'image/png, text/html']) {
          const reply = await site.post(
            '/a/image',
            part(`name="image"; filename="a.png"\r\nContent-Type: ${type}`, html) + end,
          );
          expect(reply).toMatch(/^415 .*wrong_type/);
        }
        expect(await t.onDisk()).toEqual([]);
      });
    },
  );
});
