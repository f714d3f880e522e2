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
  it('has the length of text in bytes, and reads it whole or as a range', async () => {
    const file = virtualFile({ name: 'x', content: 'abcdéf' });
    expect(file.size).toBe(7);
    expect(await text(await file.open())).toBe('abcdéf');
    expect(await text(await file.open({ start: 1, end: 2 }))).toBe('bc');
    const buffer = Buffer.alloc(3);
    expect({ bytes: await (await file.open()).read!(buffer, 5), text: buffer.toString('latin1', 0, 2) }).toEqual({
      bytes: 2,
      text: '\u00a9f',
    });
  });

  it('starts a stream for each download when the content is a function', async () => {
    const file = virtualFile({ name: 'x', content: letters });
    expect(file.size).toBeUndefined();
    expect(await text(await file.open())).toBe('abcdéf');
    expect(await text(await file.open())).toBe('abcdéf');
  });

  it.each([
    [0, 0, 'a'],
    [2, 3, 'cd'],
    [3, 3, 'd'],
    [6, 6, 'f'],
    [0, 6, 'abcdéf'],
  ])('sends bytes %d to %d of a stream of known length', async (start, end, expected) => {
    const file = virtualFile({ name: 'x', content: letters, size: 7 });
    expect(await text(await file.open({ start, end }))).toBe(expected);
  });

  it('ends a stream that is not read', async () => {
    const content = Readable.from(['abc']);
    const view = downloadView(async () => ({ subject: 0, file: () => virtualFile({ name: 'x', content }) }));
    const request = { method: 'HEAD', headers: {}, params: {}, raw: null };
    (await respond(request, await view(request))).close();
    expect(content.destroyed).toBe(true);
  });
});
