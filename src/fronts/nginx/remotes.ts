import { FileFieldError } from '../../errors.js';
import type { DownloadRequest } from '../../response/request.js';
import type { Download } from '../../response/download.js';
import { fileUrl } from '../file-url.js';
import type { PathMapping } from '../places.js';

/** nginx asks at once; a signed URL is good for this long all the same, for clocks that differ. */
const life = 5 * 60_000;

/**
 * Makes a function from a download to the path, and query, under which the server in front fetches it from its storage.
 * The path stays as the storage signed it. Throws `invalid_option` at start-up for what cannot work.
 */
export function mapRemotes(
  remotes: PathMapping,
): (request: DownloadRequest, response: Download) => Promise<string | undefined> {
  const listed = Object.entries(remotes).map(([url, prefix]) => {
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    if (!parsed || !/^https?:$/.test(parsed.protocol) || parsed.search || parsed.hash || parsed.username) {
      throw invalid(`The remote "${url}" must be a URL of http or https with nothing behind its path.`);
    }
    if (!/^(\/[\w.~-]+)+\/?$/.test(prefix))
      throw invalid(`The remote "${url}" is mapped to "${prefix}", which is no path.`);
    return { start: `${url.replace(/\/+$/, '')}/`, prefix: prefix.replace(/\/$/, '') };
  });
  return async (_request, response) => {
    // Fetched with GET whatever the client asked: a signature is good for one method, and nginx drops a body for HEAD.
    const url = await fileUrl(response, 'GET', life);
    const remote = url === undefined ? undefined : listed.find(({ start }) => url.startsWith(start));
    return remote && `${remote.prefix}/${url!.slice(remote.start.length)}`;
  };
}

function invalid(message: string): FileFieldError {
  return new FileFieldError('invalid_option', message);
}
