import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { downloadView, localFile, respond, type PreparedResponse, type Delivery, type FileSource } from 'filefield';

/** A folder that is deleted after the suite. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'delivery-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Writes a file of ten bytes and returns it as a source. */
export function fileIn(folder: string, name: string): FileSource {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, '0123456789');
  return localFile(file);
}

/** The response to a request for a file, with a delivery. */
export async function ask(
  delivery: Delivery,
  file: FileSource,
  options: { readonly method?: string; readonly url?: string; readonly headers?: Record<string, string> } = {},
): Promise<PreparedResponse> {
  const request = { method: 'GET', headers: {}, params: {}, raw: null, ...options };
  const view = downloadView(async () => ({ subject: 0, file: () => file }), { delivery });
  return respond(request, await view(request));
}
