import { Readable } from 'node:stream';
import { downloadView, respond, virtualFile, type FileBody } from 'filefield';

async function text(body: FileBody): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body.stream()) chunks.push(chunk);
  body.close();
  return Buffer.concat(chunks).toString();
}

async function* letters() {
  yield 'abc';
  yield Buffer.from('déf');
}

describe('virtualFile', () => {
  it('knows the length of text in bytes, and reads it whole or in part', async () => {
    const file = virtualFile({ name: 'x', content: 'abcdéf' });
    expect(file.size).toBe(7);
    expect(await text(await file.open())).toBe('abcdéf');
    expect(await text(await file.open({ start: 1, end: 2 }))).toBe('bc');
    const buffer = Buffer.alloc(3);
    expect([await (await file.open()).read!(buffer, 5), buffer.toString('latin1', 0, 2)]).toEqual([2, '\u00a9f']);
  });

  it('starts a stream for each download when it is given a function', async () => {
    const file = virtualFile({ name: 'x', content: letters });
    expect(file.size).toBeUndefined();
    expect([await text(await file.open()), await text(await file.open())]).toEqual(['abcdéf', 'abcdéf']);
  });

  it.each([
    [0, 0, 'a'],
    [2, 3, 'cd'],
    [3, 3, 'd'],
    [6, 6, 'f'],
    [0, 6, 'abcdéf'],
  ])('cuts bytes %d to %d out of a stream of known length', async (start, end, expected) => {
    const file = virtualFile({ name: 'x', content: letters, size: 7 });
    expect(await text(await file.open({ start, end }))).toBe(expected);
  });

  it('lets go of a stream that nobody asked for', async () => {
    const content = Readable.from(['abc']);
    const view = downloadView(async () => ({ subject: 0, file: () => virtualFile({ name: 'x', content }) }));
    const request = { method: 'HEAD', headers: {}, params: {}, raw: null };
    (await respond(request, await view(request))).close();
    expect(content.destroyed).toBe(true);
  });
});
