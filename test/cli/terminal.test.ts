import { doctorText, type Diagnosis } from '../../src/cli/doctor-text.js';
import { displayWidth, lineWidth, padded, painter, wrapped } from '../../src/cli/terminal.js';
import { unhealthy } from '../../src/health/check-result.js';

const terminal = (isTTY: boolean, columns?: number) => ({
  stdout: { write: () => true, isTTY, ...(columns !== undefined && { columns }) },
  env: { NO_COLOR: '1' },
});

describe('text for a terminal', () => {
  it.each([
    ['documents', 9],
    ['Prüfung', 7],
    ['u\u0308', 1],
    ['文書', 4],
    ['ひらカナ', 8],
    ['한글', 4],
    ['（）', 4],
    ['🎉', 2],
    ['👩‍👩‍👧', 2],
    ['❤️', 2],
    ['\u001b[31mred\u001b[0m', 3],
    ['', 0],
  ])('takes the columns that a terminal shows: %j takes %d', (text, width) => {
    expect(displayWidth(text)).toBe(width);
    expect(displayWidth(padded(text, 12))).toBe(12);
  });

  it('is as wide as the window, 80 columns if that is unknown, and not wrapped unless a person reads it', () => {
    expect([terminal(true, 120), terminal(true), terminal(true, 0), terminal(false, 120)].map(lineWidth)).toEqual([
      120,
      80,
      80,
      Infinity,
    ]);
  });

  it('is broken at blanks, and a word that is longer than a line stays whole', () => {
    expect(wrapped('one two three four', 9)).toBe('one two\nthree\nfour');
    expect(wrapped('    one two three four five six seven', 28, 4)).toBe('    one two three four five\n    six seven');
    expect(wrapped('in /srv/a/very/long/path/of/a/storage that', 12)).toBe(
      'in\n/srv/a/very/long/path/of/a/storage\nthat',
    );
    expect(wrapped('文書 文書 文書', 9)).toBe('文書 文書\n文書');
    expect(wrapped('one two', Infinity)).toBe('one two');
  });
});

describe('the text of filefield doctor', () => {
  const error = unhealthy(
    'The storage does not accept a file: does it exist, has it space, and may this process write to it?',
    new Error('EROFS: read-only file system'),
  );
  const failed = { ok: false, links: [{ link: 'write', ok: false, milliseconds: 3, error }] };
  const diagnosis: Diagnosis = {
    results: { 文書: failed, documents: { ok: true, links: [{ link: 'write', ok: true, milliseconds: 1 }] } },
    folders: { documents: '/srv/app/documents' },
    notChecked: ['ledger, because the configuration exports no "files"'],
  };

  it('has no line that is wider than the window, and its columns are below each other', () => {
    const text = doctorText(diagnosis, terminal(true, 60));
    expect(text.split('\n')).toEqual([
      '文書       failed  write (3 ms)',
      '           The storage does not accept a file: does it',
      '           exist, has it space, and may this process write',
      '           to it?',
      '           cause: EROFS: read-only file system',
      'documents  ok      write (1 ms)',
      '           in /srv/app/documents',
      'not checked: ledger, because the configuration exports no',
      '             "files"',
      '2 checks, 1 failed',
      '',
    ]);
    expect(Math.max(...text.split('\n').map(displayWidth))).toBeLessThanOrEqual(60);
  });

  it('has whole sentences on one line where a program or a file gets it', () => {
    expect(doctorText(diagnosis, terminal(false, 60))).toContain('process write to it?\n');
  });

  it('has colours only for a person who wants them', () => {
    const shown = { stdout: { write: () => true, isTTY: true } };
    expect(painter({ ...shown, env: {} })('red', 'x')).toBe('\u001b[31mx\u001b[0m');
    expect(painter({ ...shown, env: { NO_COLOR: '1' } })('red', 'x')).toBe('x');
    expect(painter({ ...shown, env: { TERM: 'dumb' } })('red', 'x')).toBe('x');
    expect(painter({ stdout: { write: () => true }, env: {} })('red', 'x')).toBe('x');
  });
});
