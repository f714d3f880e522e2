import { virtualFile, type ByteRange, type FileSource } from '../../src/index.js';
import { respond } from '../../src/response/respond.js';
import { parseMultipart } from '../support/parse-multipart.js';

const content = Buffer.from(Uint8Array.from({ length: 1000 }, (_byte, index) => index % 251));
const type = 'text/plain; charset=utf-8';

async function ask(file: FileSource, range: string) {
  const request = { method: 'GET', headers: { range }, params: {}, raw: null };
  const answer = await respond(request, { status: 200, headers: { 'content-type': type }, file });
  const chunks: Uint8Array[] = [];
  const body = await answer.open!();
  for await (const chunk of body.stream()) chunks.push(chunk);
  body.close();
  answer.close();
  return { answer, body: Buffer.concat(chunks) };
}

function watched() {
  const seen: string[] = [];
  const whole = virtualFile({ name: 'x.txt', content, etag: '"v1"' });
  const open = async (range?: ByteRange) => {
    const label = `${range?.start}-${range?.end}`;
    seen.push(`open ${label}`);
    const body = await whole.open(range);
    return { ...body, close: () => seen.push(`close ${label}`) };
  };
  return { seen, file: { ...whole, open } };
}

describe('multipart', () => {
  it('makes parts with the type of the whole file, and an exact Content-Length', async () => {
    const { answer, body } = await ask(watched().file, 'bytes=-10,0-9');
    expect(answer.status).toBe(206);
    expect(answer.headers['content-range']).toBeUndefined();
    expect(answer.headers.etag).toBe('"v1"');
    expect(answer.headers['content-length']).toBe(String(body.byteLength));
    expect(parseMultipart(answer.headers['content-type']!, body)).toEqual([
      { headers: { 'content-type': type, 'content-range': 'bytes 990-999/1000' }, bytes: content.subarray(990) },
      { headers: { 'content-type': type, 'content-range': 'bytes 0-9/1000' }, bytes: content.subarray(0, 10) },
    ]);
  });

  it('opens only the ranges, one after the other', async () => {
    const { file, seen } = watched();
    await ask(file, 'bytes=0-9,200-209,900-');
    expect(seen).toEqual(['open 0-9', 'close 0-9', 'open 200-209', 'close 200-209', 'open 900-999', 'close 900-999']);
  });

  it('uses a new boundary for each response', async () => {
    const { file } = watched();
    const types = await Promise.all(
      [1, 2, 3].map(async () => (await ask(file, 'bytes=0-9,500-509')).answer.headers['content-type']),
    );
    expect(new Set(types).size).toBe(3);
    expect(types[0]).toMatch(/^multipart\/byteranges; boundary=[\w-]{24}$/);
  });

  it('fails when a part is too short, and cuts a part that is too long', async () => {
    const { file } = watched();
    const short = { ...file, open: () => file.open({ start: 0, end: 3 }) };
    await expect(ask(short, 'bytes=0-9,500-509')).rejects.toMatchObject({ code: 'incomplete' });
    const long = { ...file, open: () => file.open({ start: 0, end: 30 }) };
    const { answer, body } = await ask(long, 'bytes=0-9,500-509');
    expect(parseMultipart(answer.headers['content-type']!, body).map(({ bytes }) => bytes.byteLength)).toEqual([
      10, 10,
    ]);
  });

  it('closes the part that is being opened when the client leaves meanwhile', async () => {
    const { file, seen } = watched();
    const request = { method: 'GET', headers: { range: 'bytes=0-9,500-509' }, params: {}, raw: null };
    const answer = await respond(request, { status: 200, headers: {}, file });
    const body = await answer.open!();
    const chunks = body.stream()[Symbol.asyncIterator]();
    for (let taken = 0; taken < 3; taken += 1) await chunks.next();
    const pending = chunks.next();
    body.close();
    expect((await pending).done).toBe(true);
    expect(seen).toEqual(['open 0-9', 'close 0-9', 'open 500-509', 'close 500-509']);
  });
});
