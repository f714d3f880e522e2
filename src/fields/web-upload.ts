import { isErrored, Readable } from 'node:stream';
import { FileFieldError } from '../errors.js';
import { mendName, nameOfUrl } from '../file/name.js';
import { makeUpload, usedBefore, type Upload } from '../file/upload.js';
import { dispositionName } from '../http/disposition.js';

/** The upload of a Blob or a File, which has a name. */
export function blobUpload(blob: Blob): Upload {
  const name = 'name' in blob && typeof blob.name === 'string' ? blob.name : undefined;
  let body: Upload | undefined;
  return makeUpload({
    ...(name !== undefined && { name }),
    size: blob.size,
    begin: () => (body = streamUpload(blob.stream())).open(),
    release: () => body?.close(),
    async readAt(buffer, position) {
      const bytes = await blob.slice(position, position + buffer.byteLength).arrayBuffer();
      buffer.set(new Uint8Array(bytes));
      return bytes.byteLength;
    },
  });
}

/**
 * The upload of a Web stream; closing cancels it.
 *
 * @throws `invalid_value` for a stream that was read before, or is locked to a reader.
 */
export function streamUpload(stream: ReadableStream): Upload {
  checkUnread(stream);
  let reader: ReadableStreamDefaultReader<unknown> | undefined;
  return makeUpload({
    begin() {
      checkUnread(stream);
      return chunksOf((reader = stream.getReader()));
    },
    // The failure of a stream is not one of its closing.
    release: () => (isErrored(stream as never) ? undefined : (reader ?? stream).cancel()),
  });
}

// Not every library of types has Web streams as async iterables.
async function* chunksOf(reader: ReadableStreamDefaultReader<unknown>): AsyncGenerator<unknown, void, undefined> {
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
}

function checkUnread(stream: ReadableStream): void {
  if (stream.locked) throw usedBefore('was locked to a reader');
  if (Readable.isDisturbed(stream as never)) throw usedBefore('was read');
}

/**
 * The upload of a response of fetch. Its name is that of Content-Disposition, else the last part of the URL; its size that
 * of Content-Length, unless fetch has decoded the bytes.
 *
 * @throws `upstream_failed` for a status that does not stand for a whole file; `invalid_value` if the body was read before.
 */
export function responseUpload(response: Response): Upload {
  if (response.bodyUsed) throw usedBefore('was read');
  if (!response.ok || response.status === 206) {
    void response.body?.cancel().catch(() => undefined);
    throw new FileFieldError(
      'upstream_failed',
      `The response has the status ${response.status}, which is not that of a whole file.`,
    );
  }
  const { headers, body, url } = response;
  const given = dispositionName(headers.get('content-disposition') ?? '');
  const name = given === undefined ? (URL.canParse(url) ? nameOfUrl(new URL(url)) : undefined) : mendName(given);
  const length = headers.has('content-encoding')
    ? undefined
    : /^\d{1,15}$/.exec(headers.get('content-length') ?? '')?.[0];
  return {
    ...(body ? streamUpload(body) : makeUpload({ begin: () => [] })),
    ...(name !== undefined && { name }),
    ...(length !== undefined && { size: Number(length) }),
  };
}
