import type { Bucket, FileMetadata } from '@google-cloud/storage';
import { FileFieldError } from '../../errors.js';
import { failureOf } from './google-error.js';

/** Answers in a row that keep no byte, before an upload gives up. */
const patience = 3;

/** A resumable upload: chunks are sent one after the other, and the last one makes the object. */
export class UploadSession {
  /** Bytes that the service has. */
  #position = 0;

  /** The address needs no other permission. */
  constructor(
    private readonly bucket: Bucket,
    private readonly uri: string,
  ) {}

  /** Sends bytes that are not the last; their number is a multiple of 256 KiB. */
  async send(bytes: Uint8Array): Promise<void> {
    await this.#send(bytes, undefined);
  }

  /** Sends the last bytes. */
  async finish(bytes: Uint8Array): Promise<FileMetadata> {
    const resource = await this.#send(bytes, this.#position + bytes.byteLength);
    return resource!;
  }

  /** Makes the service forget the bytes. */
  async cancel(): Promise<void> {
    // The service answers with 499.
    await this.#request('DELETE', {}).catch(() => undefined);
  }

  async #send(bytes: Uint8Array, total: number | undefined): Promise<FileMetadata | undefined> {
    const start = this.#position;
    const end = start + bytes.byteLength;
    for (let failures = 0; ;) {
      const left = bytes.subarray(this.#position - start);
      const headers = { 'Content-Range': `bytes ${this.#position}-${end - 1}/${total ?? '*'}` };
      const answer = await this.#request('PUT', headers, left);
      if (answer.resource) {
        if (total !== undefined) return answer.resource;
        throw new FileFieldError('storage_failed', 'The service ended an upload before its last bytes: try again.');
      }
      // The service need not keep all bytes of a request.
      const kept = Math.min(end, Math.max(start, answer.kept));
      if (kept === end && total === undefined) {
        this.#position = end;
        return undefined;
      }
      failures = kept > this.#position ? 0 : failures + 1;
      this.#position = kept;
      if (failures >= patience) {
        throw new FileFieldError('unavailable', 'The service keeps no more bytes of an upload: try again later.');
      }
    }
  }

  /** The object, or how many bytes the service has. Requests are sent again by the client of the bucket. */
  async #request(
    method: 'PUT' | 'DELETE',
    headers: Readonly<Record<string, string>>,
    body?: Uint8Array,
  ): Promise<{ readonly resource?: FileMetadata; readonly kept: number }> {
    return new Promise((resolve, reject) => {
      this.bucket.storage.request({ method, uri: this.uri, headers, ...(body && { body }) }, (error, resource) => {
        const { status } = error ? failureOf(error) : { status: 200 };
        if (!error) return resolve({ resource: resource as FileMetadata, kept: 0 });
        if (status !== 308) return reject(error);
        const { range } = (error as { response?: { headers?: { range?: string } } }).response?.headers ?? {};
        resolve({ kept: range === undefined ? 0 : Number(range.split('-')[1]) + 1 });
      });
    });
  }
}
