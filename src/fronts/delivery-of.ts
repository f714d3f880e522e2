import type { FileSource } from '../file/file.js';
import type { DownloadRequest } from '../response/request.js';
import type { Delivery, Download } from '../response/download.js';

/**
 * A delivery made of what it does with a file. Whatever is no download, or is settled, passes through; where it fails, such
 * as when a storage cannot sign a URL, the file is closed.
 */
export function deliveryOf(
  deliver: (request: DownloadRequest, response: Download, file: FileSource) => Promise<Download>,
): Delivery {
  return (handler) => async (request) => {
    const response = await handler(request);
    const { file } = response;
    if (response.settled || response.status !== 200 || !file) return response;
    try {
      return await deliver(request, response, file);
    } catch (error) {
      file.close?.();
      throw error;
    }
  };
}
