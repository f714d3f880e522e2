import { isFileFieldError, type FormRequest, type ReceivedFields, type ReceiveOptions } from 'filefield';
import { PassThrough } from 'node:stream';
import { boundary, filePart, formBytes, formHeaders, textPart, type Part } from '../../support/forms.js';
import { filesWith, Letter, type RecordingConnection } from '../../support/fields.js';

/** A request with these bytes as its body, as Node makes it. */
function requestOf(body: Buffer, headers: Readonly<Record<string, string>> = formHeaders): FormRequest & PassThrough {
  const stream = Object.assign(new PassThrough(), { headers });
  stream.end(body);
  return stream as unknown as FormRequest & PassThrough;
}

let ledger: RecordingConnection;
const receive = (
  body: Buffer,
  options: ReceiveOptions<'file' | 'cover'> = {},
  headers?: Readonly<Record<string, string>>,
): Promise<ReceivedFields<'file' | 'cover'>> => {
  const site = filesWith({ file: {}, cover: {} });
  ledger = site.ledger;
  return site.files.receive(requestOf(body, headers), Letter, ['file', 'cover'], options);
};
const refusal = async (...values: Parameters<typeof receive>) => {
  const error: unknown = await receive(...values).catch((cause: unknown) => cause);
  return isFileFieldError(error) ? { code: error.code, message: error.message, ...error.context } : error;
};
const octets = ['Content-Type: application/octet-stream'];

describe('a part without a file name', () => {
  it.each<[string, Part]>([
    ['no name and bytes of no type', { head: 'name="file"', content: 'bytes', headers: octets }],
    ['an empty name', { head: 'name="file"; filename=""', content: 'bytes', headers: octets }],
    ['a name of dots', { head: 'name="file"; filename=".."', content: 'bytes' }],
    ['a name that is a folder', { head: 'name="file"; filename="dir/"', content: 'bytes' }],
  ])('is a file all the same: %s', async (_what, part) => {
    const { file } = await receive(formBytes(textPart('a', '1'), part));
    expect([file?.name, await file?.text()]).toEqual(['file', 'bytes']);
  });

  it('is text where no file is expected, with the limits of text', async () => {
    const part = { head: 'name="note"', content: 'Grüße', headers: octets };
    expect({ ...(await receive(formBytes(part))).fields }).toEqual({ note: 'Grüße' });
    expect(await refusal(formBytes(part), { maxFieldSize: 6 })).toMatchObject({ code: 'too_large', field: 'note' });
    expect(await refusal(formBytes(part), { maxFields: 0 })).toMatchObject({ rule: 'maxFields' });
  });

  it('is refused if its type says that it is a file, since a parser takes it for text', async () => {
    const part = { head: 'name="file"', content: Buffer.from('89504e47', 'hex'), headers: ['Content-Type: image/png'] };
    expect(await refusal(formBytes(part))).toMatchObject({ code: 'unexpected_field', field: 'file' });
  });
});

describe('a part that a parser skips', () => {
  const form = (part: string) =>
    Buffer.from(
      `--${boundary}\r\n${part}\r\n--${boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--${boundary}--\r\n`,
    );

  it.each([
    ['without Content-Disposition', 'Content-Type: text/plain\r\n\r\nlost'],
    ['with another disposition', 'Content-Disposition: attachment; name="file"; filename="a.txt"\r\n\r\nlost'],
    ['without a name', 'Content-Disposition: form-data; filename="a.txt"\r\n\r\nlost'],
    [
      'with a file name that is not encoded as it says',
      `Content-Disposition: form-data; name="file"; filename*=UTF-8''%zz\r\n\r\nlost`,
    ],
    ['whose name is empty', 'Content-Disposition: form-data; name=""\r\n\r\nlost'],
  ])('is an error: %s', async (_what, part) => {
    expect(await refusal(form(part))).toMatchObject({
      code: 'malformed_upload',
      message: expect.stringContaining('A part of the form cannot be read'),
    });
  });

  it('is an error after a boundary with something behind it', async () => {
    const body = `--${boundary} \r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--${boundary}--\r\n`;
    expect(await refusal(Buffer.from(body))).toMatchObject({ code: 'malformed_upload' });
  });
});

describe('a form', () => {
  it.each([
    [
      'a preamble and an epilogue',
      Buffer.concat([
        Buffer.from('to be ignored\r\n'),
        formBytes(textPart('a', '1')),
        Buffer.from(`more\r\n--${boundary}\r\n`),
      ]),
    ],
    [
      'text like its boundary',
      formBytes(textPart('a', '1'), filePart('file', 'a', `\r\n--${boundary.slice(1)}\r\n--B`)),
    ],
  ])('may have %s', async (_what, body) => {
    expect((await receive(body)).fields.a).toBe('1');
  });

  it.each([
    ['quotes', `multipart/form-data; boundary="${boundary}"`],
    ['other parameters', `Multipart/Form-Data; charset=utf-8; BOUNDARY=${boundary}; x=y`],
  ])('may name its boundary with %s', async (_what, type) => {
    expect((await receive(formBytes(textPart('a', '1')), {}, { 'content-type': type })).fields.a).toBe('1');
  });

  it.each([
    ['no type', {}, 'wrong_type'],
    ['a type without a boundary', { 'content-type': 'multipart/form-data' }, 'malformed_upload'],
    ['the type of a form without files', { 'content-type': 'application/x-www-form-urlencoded' }, 'wrong_type'],
  ])('is refused with %s', async (_what, headers, code) => {
    expect(await refusal(formBytes(textPart('a', '1')), {}, headers)).toMatchObject({ code });
  });

  it('is refused with a part in base64, which nobody would decode', async () => {
    const part = {
      head: 'name="file"; filename="a.txt"',
      content: 'aGVsbG8=',
      headers: ['Content-Transfer-Encoding: base64'],
    };
    expect(await refusal(formBytes(part))).toMatchObject({ code: 'malformed_upload' });
  });

  it('has fields without a prototype, also repeated ones', async () => {
    const { fields } = await receive(
      formBytes(textPart('__proto__', 'a'), textPart('__proto__', 'b'), textPart('constructor', 'x')),
    );
    expect(Object.getPrototypeOf(fields)).toBeNull();
    expect([fields.__proto__, fields.constructor]).toEqual([['a', 'b'], 'x']);
  });

  it('has fields by other names where a mapping says so', async () => {
    const { files } = filesWith({ file: {}, cover: {} });
    const body = formBytes(filePart('upload', 'a.txt', '1'), filePart('front', 'b.txt', '2'));
    const { file, cover } = await files.receive(requestOf(body), Letter, { file: 'upload', cover: ['cover', 'front'] });
    expect([await file?.text(), await cover?.text()]).toEqual(['1', '2']);
  });

  it('warns of no listeners with many files, and leaves none on the request', async () => {
    const warnings: unknown[] = [];
    const note = (warning: Error) => void warnings.push(warning.message);
    process.on('warning', note);
    const { files } = filesWith({ file: {} });
    const request = requestOf(
      formBytes(...Array.from({ length: 40 }, (_, index) => filePart('file', `${index}`, 'x'.repeat(index)))),
    );
    const before = request.eventNames().flatMap((name) => request.listeners(name));
    const abort = new AbortController();
    const received = await files.receive(request, Letter, 'file', { maxFiles: 40, signal: abort.signal });
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', note);
    expect([received.files.length, warnings]).toEqual([40, []]);
    const after = request.eventNames().flatMap((name) => (name === 'error' ? [] : request.listeners(name)));
    expect(after.length).toBeLessThanOrEqual(before.length);
  });
});

describe('a form that is given up', () => {
  it('does not wait for the check of a file that came before', async () => {
    const request = Object.assign(new PassThrough(), { headers: formHeaders });
    const form = formBytes(filePart('file', 'a.txt', 'kept'), filePart('other', 'b.txt', 'refused'));
    const second = form.lastIndexOf('Content-Disposition');
    const check = () => {
      request.end(form.subarray(second));
      return new Promise<never>(() => undefined);
    };
    const { files } = filesWith({ file: { check } });
    request.write(form.subarray(0, second));
    const received = files.receive(request as unknown as FormRequest, Letter, 'file');
    await expect(received).rejects.toMatchObject({ code: 'unexpected_field', context: { field: 'other' } });
  });
});

describe('a Request of fetch', () => {
  it.each<[string, (request: Request) => unknown]>([
    ['was read', (request) => request.text()],
    ['has a reader', (request) => request.body!.getReader()],
  ])('is refused if its body %s', async (_how, prepare) => {
    const request = new Request('http://a.example', { method: 'POST', headers: formHeaders, body: formBytes() });
    await prepare(request);
    await expect(filesWith({ file: {} }).files.receive(request, Letter, 'file')).rejects.toMatchObject({
      code: 'invalid_value',
      message: expect.stringContaining('was read before') as string,
    });
  });
});

describe('a FormData', () => {
  const received = (inputs: number) => {
    const form = new FormData();
    for (let index = 0; index < inputs; index += 1) form.append('file', new File([], ''));
    return filesWith({ file: {} }).files.receive(form, Letter, 'file');
  };

  it('may have 1000 inputs in which no file was chosen, and no more', async () => {
    expect((await received(1000)).files).toEqual([]);
    await expect(received(1001)).rejects.toMatchObject({
      code: 'limit_exceeded',
      context: { rule: 'maxParts', limit: 1000 },
    });
  });
});

describe('options of receive', () => {
  it.each<[string, object]>([
    ['maxFiles for a field that is not received', { maxFiles: { other: 2 } }],
    ['maxFiles of 0', { maxFiles: 0 }],
    ['maxFiles as text', { maxFiles: '2' }],
    ['maxFields that is not a number', { maxFields: Number.NaN }],
    ['maxFieldSize with an unknown unit', { maxFieldSize: '1 XB' }],
  ])('are checked: %s', async (_what, options) => {
    expect(await refusal(formBytes(), options as ReceiveOptions<'file'>)).toMatchObject({ code: 'invalid_option' });
    expect(ledger.statements).toEqual([]);
  });

  it('have their defaults where they are undefined', async () => {
    const limits = { maxFiles: undefined, maxFields: undefined, maxFieldSize: undefined, maxSize: undefined };
    const form = formBytes(filePart('file', 'a', '1'), filePart('file', 'b', '2'));
    const message = 'The form has more than 1 file in the field "file".';
    expect(await refusal(form, limits)).toMatchObject({ rule: 'maxFiles', limit: 1, message });
    const many = formBytes(...Array.from({ length: 101 }, (_, index) => textPart(`t${index}`, '')));
    expect(await refusal(many, { ...limits, maxFiles: { file: undefined } })).toMatchObject({
      rule: 'maxFields',
      limit: 100,
    });
  });

  it.each<[string, unknown]>([
    ['no field', []],
    ['one form name for two fields', { file: 'a', cover: 'a' }],
    ['a field of the name "fields" in a list', ['file', 'fields']],
  ])('are checked: %s', async (_what, wanted) => {
    const { files } = filesWith({ file: {}, cover: {}, fields: {} });
    const received = files.receive(requestOf(formBytes()), Letter, wanted as ['file']);
    await expect(received).rejects.toMatchObject({ code: 'invalid_option' });
  });

  it.each([undefined, null, 'request', {}, { raw: {} }, { headers: {} }])(
    'refuses %p as a request',
    async (request) => {
      const { files } = filesWith({ file: {} });
      await expect(files.receive(request as FormRequest, Letter, 'file')).rejects.toMatchObject({
        code: 'invalid_value',
      });
    },
  );
});
