import { create, parse } from 'content-disposition';
import { cutName, unsafeCharacters } from '../file/name.js';
import { memoize } from './memoize.js';

// The ASCII form is for old clients. It has no percent sign, which Chromium would decode, no quote and no backslash.
const outsideAscii = /[^\u0020-\u007e]|["%\\]/gu;
const longestEncoded = 3072;
const encodedLength = (text: string) => encodeURIComponent(text).length;

/**
 * The Content-Disposition header for a name that an uploader may have chosen (RFC 6266): a quoted ASCII form and, if that
 * differs from the name, the exact name in UTF-8 (RFC 8187). Removes folders, written with `/` or `\`, and unsafe
 * characters (section 4.3), and cuts a name of more than 3 KiB in that form, since nginx refuses heads of more than 4 KiB by
 * default. The extension is kept. If nothing is left, the header has no name. Never throws.
 */
export function contentDisposition(disposition: 'attachment' | 'inline', name: string): string {
  return dispositions[disposition](name);
}

const dispositions = {
  attachment: memoize((name: string) => dispositionOf('attachment', name)),
  inline: memoize((name: string) => dispositionOf('inline', name)),
};

function dispositionOf(disposition: 'attachment' | 'inline', name: string): string {
  const base = (name.toWellFormed().split(/[/\\]/).pop() ?? '').replace(unsafeCharacters, '').trimStart();
  const exact = withoutTrailingDots(cutName(withoutTrailingDots(base), longestEncoded, encodedLength));
  if (exact === '') return disposition;
  const ascii = exact.replace(outsideAscii, '_').trim();
  // Old clients are content with the beginning of a long name.
  const plain = ascii === exact ? ascii : cutName(ascii, 100);
  return create(exact, { type: disposition, fallback: plain });
}

/** The file name in a Content-Disposition header of another server (RFC 6266 section 4.3); undefined if it has none. */
export function dispositionName(header: string): string | undefined {
  try {
    return parse(header).parameters['filename'] || undefined;
  } catch {
    return undefined;
  }
}

/** Windows drops trailing dots and blanks, so it would save `run.exe. ` as `run.exe`. */
function withoutTrailingDots(name: string): string {
  let end = name.length;
  while (end > 0 && '. '.includes(name.charAt(end - 1))) end -= 1;
  return name.slice(0, end);
}
