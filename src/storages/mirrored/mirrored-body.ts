import { FileFieldError } from '../../errors.js';
import type { ObjectBody } from '../../file/storage.js';
import { isElsewhere } from './fault.js';

/** Opens the same bytes in a later storage; resolves to undefined if none has them. */
export type OpenNext = (error: unknown) => Promise<ObjectBody | undefined>;

/** A body that is replaced by one of the next storage if it fails before its first byte. */
export function mirroredBody(first: ObjectBody, openNext: OpenNext): ObjectBody {
  let body = first;
  let isClosed = false;
  const { size, modified } = first.info;

  /** The body after a failure of `failed`; throws the failure if there is no other. */
  const replace = async (failed: ObjectBody, error: unknown): Promise<ObjectBody> => {
    if (isClosed || !isElsewhere(error)) throw error;
    if (failed !== body) return body;
    const next = await openNext(error);
    if (!next) throw error;
    if (isClosed || next.info.size !== size) {
      next.close();
      throw isClosed ? new FileFieldError('aborted', 'The body was closed.', { cause: error }) : error;
    }
    failed.close();
    return (body = next);
  };

  async function* stream(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let current = body, hasBegun = false; ;) {
      try {
        for await (const chunk of current.stream()) {
          hasBegun = true;
          yield chunk;
        }
        return;
      } catch (error) {
        if (hasBegun) throw error;
        current = await replace(current, error);
      }
    }
  }

  let hasRead = false;
  const read = async (buffer: Uint8Array, position: number): Promise<number> => {
    for (let current = body; ;) {
      try {
        const bytes = await current.read!(buffer, position);
        hasRead = true;
        return bytes;
      } catch (error) {
        if (hasRead) throw error;
        current = await replace(current, error);
        if (!current.read) throw error;
      }
    }
  };

  return {
    // The copies may have different entity-tags.
    info: { size, modified },
    ...(first.size !== undefined && { size: first.size }),
    ...(first.read && { read }),
    stream,
    close: () => {
      isClosed = true;
      body.close();
    },
  };
}
