import { create } from 'content-disposition';

// The plain form is for old clients: no percent sign (Chromium would decode it), no quote or backslash, ASCII only.
const unfit = /[^\u0020-\u007e]|["%\\]/gu;

/**
 * The Content-Disposition header for a name that an uploader may have chosen (RFC 6266): a quoted ASCII form and, where
 * that is not the whole truth, the exact name in UTF-8 (RFC 8187). Never throws.
 */
export function contentDisposition(disposition: 'attachment' | 'inline', name: string): string {
  const exact = name.toWellFormed();
  const plain = exact.replace(unfit, '_').trim() || 'file';
  return create(exact, { type: disposition, fallback: plain });
}
