import { invalidOption } from '../../options.js';
import type { Download } from '../../response/download.js';
import type { PathMapping } from '../places.js';
import { fileUrl } from '../redirect.js';
import { droppedHeaders, forEachDropped, variable } from './dropped-headers.js';

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
    const url = await fileUrl(download, 'GET', expiresIn);
    const remote = url === undefined ? undefined : listed.find(({ start }) => url.startsWith(start));
    return remote && `${remote.prefix}/${url!.slice(remote.start.length)}`;
  };
}

/** Headers of a bucket's response that concern the bucket only, or that the view has set better. */
const bucketHeaders = [
  'Content-Type',
  'Content-Disposition',
  'Cache-Control',
  'Expires',
  'Set-Cookie',
  'x-amz-request-id',
  'x-amz-id-2',
  'x-amz-version-id',
  'x-amz-expiration',
  'x-amz-storage-class',
  'x-amz-tagging-count',
  'x-amz-replication-status',
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-server-side-encryption-bucket-key-enabled',
  'x-rgw-object-type',
];

/** The location through which nginx fetches from a bucket. */
export function remoteLocation(url: URL, prefix: string): string {
  return `  # Only X-Accel-Redirect leads here. nginx resolves the host name once, when it starts.
  location ${prefix}/ {
    internal;
    # The headers of the view, saved before the response of the bucket replaces them.
${forEachDropped(
  'set',
  (header) => `$filefield_${variable(header)}`,
  (header) => `$upstream_http_${variable(header)}`,
)}

${bucketRequest(url)}
    # Some of these header names are longer than the default allows.
    proxy_headers_hash_bucket_size 128;
    proxy_headers_hash_max_size 1024;
${[...bucketHeaders, ...droppedHeaders].map((name) => `    proxy_hide_header ${name};`).join('\n')}
${forEachDropped(
  'add_header',
  (header) => header,
  (header) => `$filefield_${variable(header)} always`,
)}

    # Error pages of the bucket reveal keys.
    proxy_intercept_errors on;
    error_page 403 404 = @filefield_missing;
    error_page 301 302 303 307 308 400 401 405 500 501 503 = @filefield_failed;
  }
`;
}

function bucketRequest(url: URL): string {
  const tls = `
    proxy_ssl_server_name on;
    proxy_ssl_name ${url.hostname};
    proxy_ssl_verify on;
    proxy_ssl_verify_depth 3;
    proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt;`;
  return `    proxy_pass ${url.href.replace(/\/$/, '')}/;
    proxy_http_version 1.1;${url.protocol === 'https:' ? tls : ''}
    # A URL that is signed for GET is refused for HEAD; nginx leaves out the body by itself.
    proxy_method GET;
    proxy_pass_request_body off;
    proxy_set_header Host ${url.host};
    proxy_set_header Connection "";
    proxy_set_header Content-Length "";
    proxy_set_header Authorization "";
    proxy_set_header Cookie "";
    proxy_max_temp_file_size 0;`;
}
