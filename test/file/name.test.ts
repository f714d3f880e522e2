import fc from 'fast-check';
import { cleanName, mendName, nameOfUrl } from '../../src/file/name.js';

describe('cleanName', () => {
  it.each([
    ['plans.pdf', 'plans.pdf'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\Users\\me\\plan.pdf', 'plan.pdf'],
    ['Grüße aus 東京 😀.txt', 'Grüße aus 東京 😀.txt'],
    ['a\u0000b\r\nc.txt', 'abc.txt'],
    ['exe.\u202egnp', 'exe.gnp'],
    ['e\u0301.txt', 'é.txt'],
    ['\ud800.txt', '\ufffd.txt'],
    ['  padded.txt  ', 'padded.txt'],
    ['..', undefined],
    ['/', undefined],
    ['\u200e', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('changes %j to %j', (given, expected) => {
    expect(cleanName(given)).toBe(expected);
  });

  it('shortens a name to 255 bytes and keeps the extension', () => {
    const name = cleanName(`${'日'.repeat(200)}.jpeg`)!;
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
    expect(name).toMatch(/^日+\.jpeg$/);
    expect(Buffer.byteLength(cleanName(`a.${'x'.repeat(400)}`)!)).toBe(255);
  });

  it('never throws, and never returns a separator, a control character or a direction mark', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (given) => {
        const name = cleanName(given) ?? 'x';
        // eslint-disable-next-line no-control-regex
        expect(name).not.toMatch(/[/\\\u0000-\u001f\u007f\u202a-\u202e]/);
        expect(name.isWellFormed()).toBe(true);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
      }),
    );
  });
});

describe('mendName', () => {
  it.each([
    ['GrÃ¼Ã\u009fe.pdf', 'Grüße.pdf'],
    [Buffer.from('日本 😀.txt').toString('latin1'), '日本 😀.txt'],
    ['Grüße.pdf', 'Grüße.pdf'],
    ['日本.txt', '日本.txt'],
    ['日本 Ã¼.txt', '日本 Ã¼.txt'],
    ['plain.txt', 'plain.txt'],
    ['', ''],
  ])('changes %j to %j', (given, expected) => {
    expect(mendName(given)).toBe(expected);
  });
});

describe('nameOfUrl', () => {
  it.each([
    ['https://files.example/a/b%20c.pdf?x=/y', 'b c.pdf'],
    ['https://files.example/a/%E0%A4%A.pdf', '%E0%A4%A.pdf'],
    ['https://files.example/a/', undefined],
    ['https://files.example', undefined],
  ])('finds in %j the name %j', (url, expected) => {
    expect(nameOfUrl(new URL(url))).toBe(expected);
  });
});
