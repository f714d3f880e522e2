import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { downloadView, localFile, respond, virtualFile, xAccelRedirect, type FileSource } from 'filefield';

const request = { method: 'GET', headers: { range: 'bytes=0-1', 'if-none-match': '*' }, params: {}, raw: null };
const delivery = xAccelRedirect({ '/srv/files': '/_files' });
const ask = (file: FileSource, status = 200) => {
  const view = downloadView(async () => ({ subject: 0, file: () => file }));
  return delivery(async (asked) => ({ ...(await view(asked)), status }))(request);
};

describe('xAccelRedirect', () => {
  it.each([
    ['a b.txt', 'a%20b.txt'],
    ['a%41.txt', 'a%2541.txt'],
    ['what?.txt', 'what%3F.txt'],
    ['a#b', 'a%23b'],
    ['a+b', 'a%2Bb'],
    ['a;b', 'a%3Bb'],
    ['é.txt', '%C3%A9.txt'],
    ['日本.txt', '%E6%97%A5%E6%9C%AC.txt'],
    ['🎉', '%F0%9F%8E%89'],
    [`"it's"`, "%22it's%22"],
    ['pct%2Fx', 'pct%252Fx'],
    ['deep/er/a', 'deep/er/a'],
    ['line\nbreak', 'line%0Abreak'],
    ['lone\ud800', 'lone%EF%BF%BD'],
  ])('names %j as %s', async (name, encoded) => {
    const response = await ask(localFile(`/srv/files/${name}`));
    expect(response.headers['x-accel-redirect']).toBe(`/_files/${encoded}`);
  });

  it('sends no body and nothing of length, ranges or validators, whatever was asked', async () => {
    const answer = await respond(request, await ask(localFile('/srv/files/a.html')));
    expect([answer.status, answer.open]).toEqual([200, null]);
    expect(answer.headers).toEqual({
      'content-type': 'text/html; charset=utf-8',
      'content-disposition': 'attachment; filename=a.html',
      'cache-control': 'private, no-cache',
      'content-security-policy': "sandbox; default-src 'none'",
      'x-content-type-options': 'nosniff',
      'x-accel-redirect': '/_files/a.html',
    });
  });

  it('leaves files elsewhere, files without a path, and other answers as they are', async () => {
    for (const file of [
      localFile('/srv/other/a'),
      localFile('/srv/files-evil/a'),
      virtualFile({ name: 'x', content: '' }),
    ]) {
      const response = await ask(file);
      expect(response.file).toBe(file);
      expect(response.headers).not.toHaveProperty('x-accel-redirect');
    }
    expect((await ask(localFile('/srv/files/a'), 404)).headers).not.toHaveProperty('x-accel-redirect');
  });

  it('opens nothing', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'accel-'));
    writeFileSync(path.join(folder, 'a'), 'x');
    const view = downloadView(async () => ({ subject: 0, file: () => localFile(path.join(folder, 'a')) }));
    const before = readdirSync('/proc/self/fd').length;
    const response = await xAccelRedirect({ [folder]: '/_f' })(view)(request);
    (await respond(request, response)).close();
    expect(readdirSync('/proc/self/fd').length).toBe(before);
    expect(response.headers['x-accel-redirect']).toBe('/_f/a');
    rmSync(folder, { recursive: true });
  });
});
