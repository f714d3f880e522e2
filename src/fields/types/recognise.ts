import { compoundType } from './compound.js';
import type { Content } from './content.js';
import { isCompound, isZip } from './head.js';
import { markupType } from './markup.js';
import { namedType } from './named.js';
import { signedType } from './signature.js';
import { readText, textType, withCharset } from './text.js';
import { zipType } from './zip.js';

/**
 * The media type of a file, found from its bytes. The name only chooses between kinds of harmless text, and between the
 * old formats of Office; bytes that a browser could run or take for HTML get no type that a browser runs, displays or
 * looks into, whatever their name. Bytes that are neither a known format nor text are `application/octet-stream`.
 *
 * A text type has a parameter `charset` where the charset is known not to be UTF-8: `utf-16`, or `unknown-8bit` (RFC 1428)
 * for Windows-1252, Shift_JIS and other charsets of their time.
 */
export async function recogniseType(content: Content): Promise<string> {
  const { head, name } = content;
  if (isZip(head)) return zipType(content);
  if (isCompound(head)) return compoundType(content);
  const text = readText(head);
  const signed = await signedType(head, text !== undefined);
  if (signed !== undefined) return text ? withCharset(signed, text.charset) : signed;
  if (text === undefined) return 'application/octet-stream';
  const named = await namedType(name);
  return withCharset(markupType(text.text, named) ?? textType(named), text.charset);
}
