/** A file name, and the name that a client reads from Content-Disposition; undefined when the field has no name. */
export interface NameCase {
  readonly title: string;
  readonly name: string;
  readonly saved: string | undefined;
  readonly type: 'attachment' | 'inline';
}

const row = (title: string, name: string, saved: string | undefined = name): NameCase => ({
  title,
  name,
  saved,
  type: 'attachment',
});

const long = `${'ä'.repeat(500)}.txt`;
const injected = 'Set-Cookie: x=1.txt';

// RFC 6266 sections 4.3 (folders) and 5 (examples), RFC 8187 section 3.2 (filename*).
const unchanged: readonly NameCase[] = [
  row('keeps a plain name', 'plans.pdf'),
  row('keeps a semicolon, a comma and an equals sign', 'a;b,c=d.txt'),
  row('keeps double quotes', 'the "plans".pdf'),
  row('keeps a percent sign without digits', '100%.txt'),
  row('keeps quotation marks of Latin-1', '«plans».pdf'),
  row('keeps Cyrillic letters', 'планы.pdf'),
  row('keeps the euro sign', '€ rates.pdf'),
  ...Array.from('!$&-^_|', (character) => row(`keeps ${character} in an encoded name`, `é${character}.txt`)),
  row('keeps a leading dot', '.htaccess'),
  row('keeps a decomposed accent', 'e\u0301.txt'),
  { ...row('keeps the name of a file that is shown inline', 'a.pdf'), type: 'inline' },
];

// All octets must be 0x20-0x7e, otherwise a name could add header fields (RFC 9110 section 5.5).
const cleaned: readonly NameCase[] = [
  row('replaces a lone high surrogate', 'x\ud800y.txt', 'x\ufffdy.txt'),
  row('replaces a lone low surrogate', 'x\udc00y.txt', 'x\ufffdy.txt'),
  ...Object.entries({
    'CR and LF': '\r\n',
    LF: '\n',
    NUL: '\0',
    DEL: '\u007f',
    ESC: '\u001b',
    'a line separator': '\u2028',
  }).map(([title, character]) => row(`omits ${title}`, `a${character}${injected}`, `a${injected}`)),
];

const shortened: readonly NameCase[] = [
  row('omits folders', '/path/to/plans.pdf', 'plans.pdf'),
  row('omits parent folders', '../../etc/passwd', 'passwd'),
  row('omits a folder before a backslash', 'a\\b.txt', 'b.txt'),
  row('omits trailing dots and spaces, which Windows removes', 'name. . ', 'name'),
  { ...row('sends no name for a dot', '.'), saved: undefined },
  { ...row('sends no name for an empty name', ''), saved: undefined },
  row('keeps a name of five hundred letters', long),
];

export const nameCases: readonly NameCase[] = [...unchanged, ...cleaned, ...shortened];
