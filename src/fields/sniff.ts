import { isUtf8 } from 'node:buffer';
import path from 'node:path';
import vm from 'node:vm';
import type * as fileType from 'file-type/core';
import mime from 'mime-types';

/** Bytes of an upload's beginning that its type is judged by. */
export const headBytes = 4100;

// Types that are text and that no magic number tells; for these, and only these, the file name may choose.
const textual = /^(text\/(?!html|xml).+|application\/(json|ld\+json|geo\+json|yaml|toml|sql|x-ndjson|rtf))$/;
// eslint-disable-next-line no-control-regex
const binary = /[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/;
const markup = /^\s*<(?:!doctype html|html|head|body|script|iframe|svg|\?xml|!--|[a-z][\w:-]*[\s/>])/i;

/**
 * The media type of a file, judged by its first bytes. A name can only choose between kinds of harmless text: bytes that
 * look like markup are markup whatever they are called, and unknown bytes are `application/octet-stream`.
 */
export async function sniffType(head: Uint8Array, name: string): Promise<string> {
  // Loaded at the first upload, since serving does not need it.
  const { fileTypeFromBuffer } = await import('file-type/core').catch(requireOutsideJest);
  const found = await fileTypeFromBuffer(head);
  if (found && found.mime !== 'application/xml') return found.mime;
  const text = decode(head);
  if (text === undefined) return 'application/octet-stream';
  if (markup.test(text)) return markupType(text);
  const named = mime.lookup(path.extname(name));
  return named && textual.test(named) ? named : 'text/plain';
}

/**
 * Loads file-type with the `require` of Node, for a Jest run in CommonJS mode.
 *
 * file-type is ESM only. In dist/cjs the `import()` above is compiled to `require()`, which loads ESM in Node 20.19 and
 * later, in Bun, and in the bundles of esbuild and webpack, as long as the bundler finds a literal name there. The name
 * is `file-type/core` because the main entry has no `require` condition, and esbuild rejects that. Jest runs code under
 * test with a `require` of its own, which refuses ESM, and replaces `process`, so that `createRequire` is its own as
 * well. `node:vm` reaches the `process` of Node itself, without any flag.
 */
function requireOutsideJest(cause: unknown): typeof fileType {
  // dist/esm has no __filename: an ESM loader runs it, which loads file-type as well.
  if (typeof __filename === 'undefined') throw cause;
  const { getBuiltinModule } = vm.runInThisContext('process') as NodeJS.Process;
  return getBuiltinModule('node:module').createRequire(__filename)('file-type/core') as typeof fileType;
}

function markupType(text: string): string {
  if (/<svg[\s>]/i.test(text)) return 'image/svg+xml';
  return /^\s*<\?xml/i.test(text) && !/<html[\s>]/i.test(text) ? 'application/xml' : 'text/html';
}

/** UTF-8 text, or undefined when the bytes are something else. */
function decode(head: Uint8Array): string | undefined {
  const whole = head.byteLength < headBytes ? head : withoutCutCharacter(head);
  if (!isUtf8(whole)) return undefined;
  const text = Buffer.from(whole.buffer, whole.byteOffset, whole.byteLength)
    .toString('utf8')
    .replace(/^\ufeff/, '');
  return binary.test(text) ? undefined : text;
}

/** The head ends at a number of bytes, which may be inside a character. */
function withoutCutCharacter(head: Uint8Array): Uint8Array {
  let end = head.byteLength;
  while (end > head.byteLength - 4 && ((head[end - 1] ?? 0) & 0xc0) === 0x80) end -= 1;
  const lead = head[end - 1] ?? 0;
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  return end - 1 + length > head.byteLength ? head.subarray(0, end - 1) : head;
}

/** Reads as many bytes as detection needs; `chunks` are to be put before the rest of the upload again. */
export async function readHead(
  upload: AsyncIterator<Uint8Array>,
): Promise<{ readonly head: Buffer; readonly chunks: readonly Uint8Array[] }> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  while (bytes < headBytes) {
    // A source may reuse the memory of a chunk once the next one is requested.
    const last = chunks.pop();
    if (last) chunks.push(Buffer.from(last));
    const next = await upload.next();
    if (next.done) break;
    chunks.push(next.value);
    bytes += next.value.byteLength;
  }
  return { head: Buffer.concat(chunks).subarray(0, headBytes), chunks };
}
