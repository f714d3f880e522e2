import { create, parse } from 'content-disposition';

// Control characters, line separators, and bidirectional marks, which can display `exe.gpj` as `jpg.exe` (CVE-2021-42574).
// eslint-disable-next-line no-control-regex
const unsafeCharacters = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
// The ASCII form is for old clients. It has no percent sign, which Chromium would decode, no quote and no backslash.
const outsideAscii = /[^\u0020-\u007e]|["%\\]/gu;

/**
 * The Content-Disposition header for a name that an uploader may have chosen (RFC 6266): a quoted ASCII form and, if that
 * differs from the name, the exact name in UTF-8 (RFC 8187). Removes folders, written with `/` or `\`, and unsafe
 * characters (section 4.3). If nothing is left, the header has no name. Never throws.
 */
export function contentDisposition(disposition: 'attachment' | 'inline', name: string): string {
  const exact = withoutTrailingDots(
    (name.toWellFormed().split(/[/\\]/).pop() ?? '').replace(unsafeCharacters, '').trimStart(),
  );
  if (exact === '') return disposition;
  const plain = exact.replace(outsideAscii, '_').trim();
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
