import { create } from 'content-disposition';

// Control characters, line separators, and marks by which a name reads backwards: `exe.gpj` for `jpg.exe` (CVE-2021-42574).
// eslint-disable-next-line no-control-regex
const unsafe = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
// The plain form is for old clients: no percent sign (Chromium would decode it), no quote or backslash, ASCII only.
const unfit = /[^\u0020-\u007e]|["%\\]/gu;

/**
 * The Content-Disposition header for a name that an uploader may have chosen (RFC 6266): a quoted ASCII form and, where
 * that is not the whole truth, the exact name in UTF-8 (RFC 8187). Folders of either slant are left out (section 4.3);
 * so is the name if nothing is left of it. Never throws.
 */
export function contentDisposition(disposition: 'attachment' | 'inline', name: string): string {
  const exact = withoutTail((name.toWellFormed().split(/[/\\]/).pop() ?? '').replace(unsafe, '').trimStart());
  if (exact === '') return disposition;
  const plain = exact.replace(unfit, '_').trim();
  return create(exact, { type: disposition, fallback: plain });
}

/** Windows drops dots and blanks at the end, so that `run.exe. ` would be saved as a program. */
function withoutTail(name: string): string {
  let end = name.length;
  while (end > 0 && '. '.includes(name.charAt(end - 1))) end -= 1;
  return name.slice(0, end);
}
