import { quoted, type CheckedSetup } from '../setup.js';
import { forEachDropped, variable } from './dropped-headers.js';
import { remoteLocation } from './remotes.js';

/** nginx replaces variables even between quotes, and a dollar sign cannot be escaped. */
const quote = (folder: string) =>
  quoted(folder, { server: 'nginx', unquotable: /\$/, escape: (text) => text.replace(/["\\]/g, '\\$&') });

/** The server block; with `standalone`, a complete nginx.conf around it. */
export function nginxConfiguration(setup: CheckedSetup, instructions: readonly string[]): string {
  const { standalone } = setup;
  const site = serverBlock(setup, instructions);
  if (standalone === undefined) {
    return `# Save as /etc/nginx/sites-enabled/filefield.conf (or conf.d/filefield.conf), then: nginx -t && nginx -s reload
# nginx needs read access to the folders; DiskStorage makes files readable for their owner and group.
${site}`;
  }
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `  ${name}_temp_path ${quote(`${standalone}/${name}`)};`)
    .join('\n');
  return `# Save as nginx.conf in ${standalone}, then: nginx -p ${standalone} -c nginx.conf -e error.log
# Started by root, the workers run as www-data; started by another account, nginx warns about "user" and ignores it.
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

${site.replace(/^(?=.)/gm, '  ')}}
`;
}

function serverBlock(setup: CheckedSetup, instructions: readonly string[]): string {
  const { places, remotes, listen, serverName } = setup;
  const locations = [
    ...places.map(({ folder, prefix }) => placeLocation(folder, prefix)),
    ...remotes.map(({ url, prefix }) => remoteLocation(url, prefix)),
    remotes.length > 0 ? refusals + failure : refusals,
  ];
  return `${upstreamBlock(setup)}
server {
  listen ${listen};${serverName === undefined ? '' : `\n  server_name ${serverName};`}

  # Uploads pass through unbuffered; the application limits their size.
  client_max_body_size 0;
  proxy_request_buffering off;

${applicationLocation(setup, instructions)}
${locations.join('\n')}}
`;
}

/** The name contains the port, so that the sites of two applications can be installed side by side. */
function upstreamName({ upstream: { port, protocol } }: CheckedSetup): string {
  return `filefield_${port || (protocol === 'https:' ? '443' : '80')}`;
}

function upstreamBlock(setup: CheckedSetup): string {
  const { port, host, protocol } = setup.upstream;
  return `upstream ${upstreamName(setup)} {
  server ${port ? host : `${host}:${protocol === 'https:' ? 443 : 80}`};
  # Connections are reused, for slightly less than Node keeps them open.
  keepalive 32;
  keepalive_timeout 4s;
}
`;
}

function applicationLocation(setup: CheckedSetup, instructions: readonly string[]): string {
  const { protocol, hostname } = setup.upstream;
  const tls = `
    proxy_ssl_server_name on;
    proxy_ssl_name ${hostname};`;
  // nginx itself removes those that it acts on.
  const hidden = instructions.filter((name) => !name.startsWith('X-Accel-'));
  return `  location / {
    proxy_pass ${protocol}//${upstreamName(setup)};${protocol === 'https:' ? tls : ''}
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header Connection "";
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    # Streamed responses pass at the speed of the client, without a temporary file.
    proxy_max_temp_file_size 0;
${hidden.map((name) => `    proxy_hide_header ${name};`).join('\n')}
  }
`;
}

function placeLocation(folder: string, prefix: string): string {
  return `  # Only X-Accel-Redirect leads here; a client that requests this path gets 404.
  location ${prefix}/ {
    internal;
    alias ${quote(`${folder}/`)};
    # The client gets ETag and Last-Modified of the view: those of nginx are made of time and size, which two files can share.
    # The view answers If-None-Match and If-Modified-Since; nginx compares If-Range.
    etag off;
    if_modified_since off;
    add_header ETag $upstream_http_etag;
    add_header Last-Modified $upstream_http_last_modified;
    # Compression would end ranges and make a false Repr-Digest.
    gzip off;
    # nginx drops these headers of the view. Without the first two, an uploaded page would run with the rights of your site.
    # An empty value adds no header; "always" would add each of them twice to a 416.
${forEachDropped(
  'add_header',
  (header) => header,
  (header) => `$upstream_http_${variable(header)}`,
)}
    error_page 301 404 = @filefield_missing;
    error_page 403 = @filefield_forbidden;
  }
`;
}

/** Responses in place of a file. The Cache-Control of the view is sent as well; caches obey the stricter one, `no-store`. */
const refusals = `  location @filefield_missing { add_header Cache-Control no-store always; return 404; }
  location @filefield_forbidden { add_header Cache-Control no-store always; return 403; }
`;
const failure = `  location @filefield_failed { add_header Cache-Control no-store always; return 502; }
`;
