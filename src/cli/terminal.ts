/** What a command writes to, and the environment; a process has this shape. */
export interface Terminal {
  /** For results. `isTTY` is true if a person reads it; `columns` is the width of the window then. */
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };
  /** For errors. */
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
  /** Environment variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

const codes = { green: 32, red: 31, dim: 2 } as const;

/** Returns a function that colours text, if stdout is a terminal and NO_COLOR is not set (https://no-color.org). */
export function painter({
  stdout,
  env,
}: Pick<Terminal, 'stdout' | 'env'>): (colour: keyof typeof codes, text: string) => string {
  const plain = !stdout.isTTY || Boolean(env.NO_COLOR) || env.TERM === 'dumb';
  return (colour, text) => (plain ? text : `\u001b[${codes[colour]}m${text}\u001b[0m`);
}

/** The width of lines: that of the window, or 80. Text for programs and files is not wrapped, so that lines can be searched. */
export function lineWidth({ stdout }: Pick<Terminal, 'stdout'>): number {
  return stdout.isTTY ? stdout.columns || 80 : Infinity;
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
// eslint-disable-next-line no-control-regex
const colouring = /\u001b\[\d+m/g;
/** Characters that take two columns: those of East Asian scripts, their punctuation and full-width forms, and emoji. */
const wide =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\p{Script=Yi}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|\ufe0f/u;
const invisible = /^[\p{Mark}\p{Control}\p{Format}]*$/u;

/** How many columns of a terminal a text takes; colours take none. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const { segment } of graphemes.segment(text.replace(colouring, ''))) {
    if (!invisible.test(segment)) width += wide.test(segment) ? 2 : 1;
  }
  return width;
}

/** `padEnd` by columns. */
export function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)));
}

/**
 * Breaks a text at blanks into lines of at most `width` columns; those after the first begin with `indent` blanks. A word that
 * is longer, such as a path, stays whole, so that it can be copied.
 */
export function wrapped(text: string, width: number, indent = 0): string {
  if (width === Infinity || displayWidth(text) <= width) return text;
  // A narrow window: the text needs some columns beside its indentation.
  const margin = ' '.repeat(Math.max(0, Math.min(indent, width - 20)));
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/(?<=\S) (?=\S)/)) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line === '' || displayWidth(longer) <= width) line = longer;
    else {
      lines.push(line);
      line = margin + word;
    }
  }
  return [...lines, line].join('\n');
}
