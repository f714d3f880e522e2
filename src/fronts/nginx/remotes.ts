import { invalidOption } from '../../options.js';
import type { Download } from '../../response/download.js';
import type { PathMapping } from '../places.js';
import { fileUrl } from '../redirect.js';

/** nginx uses a signed URL at once; 5 minutes allow for clock skew between this machine and the bucket. */
const expiresIn = 5 * 60_000;

/**
 * Returns a function from a download to the path and query by which nginx fetches its file from a bucket; undefined if no
 * remote matches. The path stays exactly as it was signed. Throws `invalid_option` for remotes that cannot work.
 */
export function mapRemotes(remotes: PathMapping): (download: Download) => Promise<string | undefined> {
  const listed = Object.entries(remotes).map(([url, prefix]) => {
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    if (!parsed || !/^https?:$/.test(parsed.protocol) || parsed.search || parsed.hash || parsed.username) {
      throw invalidOption(`The remote "${url}" must be an http or https URL with nothing after its path.`);
    }
    if (!/^(\/[\w.~-]+)+\/?$/.test(prefix)) {
      throw invalidOption(
        `The remote "${url}" must be mapped to a path such as "/_filefield/photos", not "${prefix}".`,
      );
    }
    return { start: `${url.replace(/\/+$/, '')}/`, prefix: prefix.replace(/\/$/, '') };
  });
  return async (download) => {
    // Always for GET: a signature is valid for one method, and nginx leaves out the body for HEAD.
    const url = (await fileUrl(download, 'GET', expiresIn)) ?? download.file?.remoteUrl;
    const remote = url === undefined ? undefined : listed.find(({ start }) => url.startsWith(start));
    return remote && `${remote.prefix}/${url!.slice(remote.start.length)}`;
  };
}
