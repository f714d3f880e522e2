import { carriedHeaders, handOffHeaders } from '../hand-off-headers.js';
import type { CheckedSetup } from '../setup.js';
import { quoted } from '../quoted.js';

/** Variables are replaced even between quotes, and nothing escapes a dollar sign. */
const quote = (folder: string) =>
  quoted(folder, { server: 'nginx', unfit: /\$/, escape: (text) => text.replace(/["\\]/g, '\\$&') });

/** The server block; around it, for standalone use, what nginx needs to run from one folder. */
export function nginxConfiguration(setup: CheckedSetup): string {
  const { standalone } = setup;
  if (standalone === undefined) {
    return `# Save as /etc/nginx/sites-enabled/filefield.conf (or conf.d/filefield.conf), then: nginx -t && nginx -s reload
# nginx must be allowed to read the folders; DiskStorage makes files readable by their owner and group.
${serverBlock(setup)}`;
  }
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `  ${name}_temp_path ${quote(`${standalone}/${name}`)};`)
    .join('\n');
  return `# Save as nginx.conf in ${standalone}, then: nginx -p ${standalone} -c nginx.conf -e error.log
# Started by root, its workers are www-data; started by anybody else, nginx warns of that line and ignores it.
daemon off;
user www-data;
worker_processes 1;
pid ${quote(`${standalone}/nginx.pid`)};
error_log ${quote(`${standalone}/error.log`)};
events { worker_connections 1024; }
http {
  access_log off;
  default_type application/octet-stream;
  sendfile on;
${temporary}

${serverBlock(setup).replace(/^(?=.)/gm, '  ')}}
`;
}

function serverBlock({ places, remotes, upstream, listen, serverName }: CheckedSetup): string {
  const hidden = handOffHeaders.filter((name) => !name.startsWith('X-Accel-'));
  const locations = [
    ...places.map(({ folder, prefix }) => placeLocation(folder, prefix)),
    ...remotes.map(({ url, prefix }) => remoteLocation(url, prefix)),
    remotes.length > 0 ? refusals + failure : refusals,
  ];
  const { protocol, host, hostname, port } = upstream;
  const tls = protocol === 'https:';
  // A port is part of the name, so that two applications may stand side by side.
  const name = `filefield_${port || (tls ? '443' : '80')}`;
  return `upstream ${name} {
  server ${port ? host : `${host}:${tls ? 443 : 80}`};
  # Connections are kept, for a little less than Node keeps them.
  keepalive 32;
  keepalive_timeout 4s;
}

server {
  listen ${listen};${serverName === undefined ? '' : `\n  server_name ${serverName};`}

  # An upload passes through while it comes; how large it may be is for the application to say.
  client_max_body_size 0;
  proxy_request_buffering off;

  location / {
    proxy_pass ${protocol}//${name};${
      tls
        ? `
    proxy_ssl_server_name on;
    proxy_ssl_name ${hostname};`
        : ''
    }
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header Connection "";
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    # What the application streams goes at the client's pace, not into a file of nginx's.
    proxy_max_temp_file_size 0;
${hidden.map((name) => `    proxy_hide_header ${name};`).join('\n')}
  }

${locations.join('\n')}}
`;
}

/** Names and values in two columns, as people write them. */
function carried(directive: string, name: (header: string) => string, value: (header: string) => string): string {
  const width = Math.max(...carriedHeaders.map((header) => name(header).length));
  return carriedHeaders.map((header) => `    ${directive} ${name(header).padEnd(width)} ${value(header)};`).join('\n');
}

const variable = (header: string) => header.toLowerCase().replaceAll('-', '_');

function placeLocation(folder: string, prefix: string): string {
  return `  # Only X-Accel-Redirect leads here; a client that asks for it gets 404.
  location ${prefix}/ {
    internal;
    alias ${quote(`${folder}/`)};
    # nginx drops these of the view's answer, and without the first two an uploaded page runs with your site's rights.
    # An empty value adds no header; "always" would add them twice to a 416.
${carried(
  'add_header',
  (header) => header,
  (header) => `$upstream_http_${variable(header)}`,
)}
    error_page 301 404 = @filefield_missing;
    error_page 403 = @filefield_forbidden;
  }
`;
}

/** Headers of a bucket's answer that are the bucket's own affair, or that the view has said better. */
const ofTheBucket = [
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

function remoteLocation(url: URL, prefix: string): string {
  const tls = `
    proxy_ssl_server_name on;
    proxy_ssl_name ${url.hostname};
    proxy_ssl_verify on;
    proxy_ssl_verify_depth 3;
    proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt;`;
  return `  # Only X-Accel-Redirect leads here. The host's address is looked up when nginx starts.
  location ${prefix}/ {
    internal;
    # What the view said, before the answer of the other server takes its place.
${carried(
  'set',
  (header) => `$filefield_${variable(header)}`,
  (header) => `$upstream_http_${variable(header)}`,
)}

    proxy_pass ${url.href.replace(/\/$/, '')}/;
    proxy_http_version 1.1;${url.protocol === 'https:' ? tls : ''}
    # A URL that is signed for GET is refused to HEAD; nginx leaves the body out by itself.
    proxy_method GET;
    proxy_pass_request_body off;
    proxy_set_header Host ${url.host};
    proxy_set_header Connection "";
    proxy_set_header Content-Length "";
    proxy_set_header Authorization "";
    proxy_set_header Cookie "";
    proxy_max_temp_file_size 0;
    # For names as long as some of these.
    proxy_headers_hash_bucket_size 128;
    proxy_headers_hash_max_size 1024;
${[...ofTheBucket, ...carriedHeaders].map((name) => `    proxy_hide_header ${name};`).join('\n')}
${carried(
  'add_header',
  (header) => header,
  (header) => `$filefield_${variable(header)} always`,
)}

    # Its errors tell of keys and buckets.
    proxy_intercept_errors on;
    error_page 403 404 = @filefield_missing;
    error_page 301 302 303 307 308 400 401 405 500 501 503 = @filefield_failed;
  }
`;
}

/** What is answered in place of a file. The view's Cache-Control stays beside this one, and gives way to it. */
const refusals = `  location @filefield_missing { add_header Cache-Control no-store always; return 404; }
  location @filefield_forbidden { add_header Cache-Control no-store always; return 403; }
`;
const failure = `  location @filefield_failed { add_header Cache-Control no-store always; return 502; }
`;
