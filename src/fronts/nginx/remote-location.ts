import { isIP } from 'node:net';
import type { CheckedRemote, CheckedSetup } from '../setup.js';
import { addHeaders, droppedHeaders, keepHeaders, variable } from './dropped-headers.js';

/** Headers of a bucket's response that concern the bucket only, or that the view has set better. */
const bucketHeaders = [
  'Content-Type',
  'Content-Disposition',
  'Cache-Control',
  'Expires',
  'Set-Cookie',
  'ETag',
  'Last-Modified',
  'Alt-Svc',
  'Clear-Site-Data',
  'Refresh',
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

/** By these an answer could make nginx read a file of this machine, or change how fast and how long it sends. */
const bucketInstructions =
  'X-Accel-Redirect X-Accel-Buffering X-Accel-Charset X-Accel-Expires X-Accel-Limit-Rate Cache-Control Expires Set-Cookie Vary';

const gone = [403, 404, 410];

/** Every other status of an error or a redirect; nginx refuses 499. */
const failures = [300, 400, 425, 450, 475, 500, 525, 550, 575].map((first) =>
  Array.from({ length: 25 }, (_status, index) => first + index)
    .filter((status) => ![...gone, 416, 499].includes(status))
    .join(' '),
);

/** The location through which nginx fetches from a bucket. With `resolver`, the name of the host is a variable. */
export function remoteLocation(
  { url, prefix }: CheckedRemote,
  { resolver, headers }: Pick<CheckedSetup, 'resolver' | 'headers'>,
): string {
  return `  # Only X-Accel-Redirect leads here.
  location ${prefix}/ {
    internal;
    # The headers of the view, saved before the response of the bucket replaces them.
${keepHeaders()}

${bucketRequest(url, prefix, resolver)}
    proxy_ignore_headers ${bucketInstructions};
    # Some of these header names are longer than the default allows.
    proxy_headers_hash_bucket_size 128;
    proxy_headers_hash_max_size 1024;
${[...bucketHeaders, ...droppedHeaders, ...headers.map(([name]) => name)].map((name) => `    proxy_hide_header ${name};`).join('\n')}
    # The client gets the validators of the view, and the view has compared its conditions with them.
    add_header ETag $filefield_etag;
    add_header Last-Modified $filefield_last_modified;
    gzip off;
${addHeaders((header) => `$filefield_${variable(header)}`, headers)}

    # Error pages of the bucket reveal keys, so nginx replaces all of them.
    proxy_intercept_errors on;
    error_page ${gone.join(' ')} = @filefield_missing;
    error_page 416 = @filefield_range;
${failures.map((line) => `    error_page ${line} = @filefield_failed;`).join('\n')}
  }
`;
}

function bucketRequest(url: URL, prefix: string, resolver: readonly string[]): string {
  const tls = `
    proxy_ssl_server_name on;
    proxy_ssl_name ${url.hostname};
    proxy_ssl_verify on;
    proxy_ssl_verify_depth 3;
    proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt;`;
  const resolved = resolver.length > 0 && isIP(url.hostname.replace(/^\[|\]$/g, '')) === 0;
  // Directives of this module after a "break" have no effect.
  const name = `    # A name in a variable is resolved again when its time has passed.
    set $filefield_remote ${url.host};
`;
  // The path is decoded here, and nginx encodes it again for the request. In a variable of proxy_pass it would stay decoded.
  return `${resolved ? name : ''}    rewrite "(?s)^${prefix.replaceAll('.', '\\.')}(/.*)$" ${url.pathname.replace(/\/$/, '')}$1 break;
    proxy_pass ${url.protocol}//${resolved ? '$filefield_remote' : url.host};
    proxy_http_version 1.1;${url.protocol === 'https:' ? tls : ''}
    # A URL that is signed for GET is refused for HEAD; nginx leaves out the body by itself.
    proxy_method GET;
    # The bucket gets no header of the client but the range: no cookie, and no condition, since its tags are not the view's.
    proxy_pass_request_headers off;
    proxy_pass_request_body off;
    proxy_set_header Host ${url.host};
    proxy_set_header Connection "";
    proxy_set_header Content-Length "";
    proxy_set_header Accept-Encoding identity;
    proxy_set_header Range $http_range;
    proxy_max_temp_file_size 0;`;
}
