import { quoted, type CheckedSetup } from '../setup.js';
import { addHeaders, variable } from './dropped-headers.js';
import { remoteLocation } from './remote-location.js';

/** nginx replaces variables even between quotes, and a dollar sign cannot be escaped. */
const quote = (folder: string) =>
  quoted(folder, { server: 'nginx', unquotable: /\$/, escape: (text) => text.replace(/["\\]/g, '\\$&') });

/** The server block; with `standalone`, a complete nginx.conf around it. */
export function nginxConfiguration(setup: CheckedSetup, instructions: readonly string[]): string {
  const { standalone } = setup;
  const site = serverBlock(setup, instructions);
  if (standalone === undefined) {
    const { serverNames, listen } = setup;
    const isDefault = serverNames.length === 0 && listen.port === '80';
    return `# Save as /etc/nginx/sites-enabled/filefield.conf (or conf.d/filefield.conf), then: nginx -t && nginx -s reload
# nginx needs read access to the folders; DiskStorage makes files readable for their owner and group.
${isDefault ? "# Without a server name this is the default site of the port. Remove Debian's: rm /etc/nginx/sites-enabled/default\n" : ''}${site}`;
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
  const { places, remotes, serverNames, resolver, headers } = setup;
  const locations = [
    ...places.map(({ folder, prefix }) => placeLocation(folder, prefix, headers)),
    ...remotes.map((remote) => remoteLocation(remote, setup)),
    refusals(setup),
  ];
  return `${upstreamBlock(setup)}
server {
${listenLines(setup)}${serverNames.length === 0 ? '' : `  server_name ${serverNames.join(' ')};\n`}
  # Uploads pass through unbuffered; the application limits their size.
  client_max_body_size 0;
  proxy_request_buffering off;
${requestVariables(setup)}${remotes.length > 0 && resolver.length > 0 ? resolverLines(resolver) : ''}
${applicationLocation(setup, instructions)}
${locations.join('\n')}}
`;
}

/** Without a name it is the default site of its port. Otherwise another default site, such as Debian's, would answer. */
function listenLines({ listen: { host, port, socket }, serverNames }: CheckedSetup): string {
  const addresses =
    socket !== undefined ? [`unix:${socket}`] : host !== undefined ? [`${host}:${port}`] : [port, `[::]:${port}`];
  return addresses
    .map((address) => `  listen ${address}${serverNames.length === 0 ? ' default_server' : ''};\n`)
    .join('');
}

function upstreamBlock({ name, upstreams }: CheckedSetup): string {
  const servers = upstreams.map(({ socket, hostname, port }) =>
    socket === undefined ? `  server ${hostname}:${port};\n` : `  server unix:${socket};\n`,
  );
  return `upstream ${name} {
${servers.join('')}  # Connections are reused, for slightly less than Node keeps them open.
  keepalive 32;
  keepalive_timeout 4s;
}
`;
}

/** Set for the whole site: a location that sends a file must not have an "if". */
function requestVariables({ serverNames, trustProxy }: CheckedSetup): string {
  const fallback = serverNames.find((name) => !name.startsWith('*')) ?? 'localhost';
  const trusted = `  # The proxy before this server knows better where the request comes from.
  set $filefield_proto $scheme;
  if ($http_x_forwarded_proto) { set $filefield_proto $http_x_forwarded_proto; }
  set $filefield_forwarded_host $filefield_host;
  if ($http_x_forwarded_host) { set $filefield_forwarded_host $http_x_forwarded_host; }
`;
  return `
  # HTTP/1.0 has requests without Host, and Node refuses them. $host would have no port.
  set $filefield_host $http_host;
  if ($http_host = "") { set $filefield_host ${fallback}; }
  # WebSockets pass, and no other protocol.
  set $filefield_upgrade "";
  set $filefield_connection "";
  if ($http_upgrade ~* "^websocket$") {
    set $filefield_upgrade websocket;
    set $filefield_connection upgrade;
  }
${trustProxy ? trusted : ''}`;
}

const resolverLines = (addresses: readonly string[]) => `  # For the hosts of buckets. nginx asks no /etc/hosts.
  resolver ${addresses.join(' ')};
  resolver_timeout 5s;
`;

function applicationLocation(setup: CheckedSetup, instructions: readonly string[]): string {
  const { name, trustProxy, headers, upstreams, path } = setup;
  const tls = upstreams.find((upstream) => upstream.tls);
  // nginx itself removes those that it acts on.
  const hidden = instructions.filter((instruction) => !instruction.startsWith('X-Accel-'));
  const rest = `  # Everything else of this site is yours.
  location / { return 404; }
`;
  return `  location ${path}/ {
    proxy_pass ${tls ? 'https' : 'http'}://${name};${
      tls
        ? `
    proxy_ssl_server_name on;
    proxy_ssl_name ${tls.hostname};`
        : ''
    }
    proxy_http_version 1.1;
    proxy_set_header Host $filefield_host;
    proxy_set_header Upgrade $filefield_upgrade;
    proxy_set_header Connection $filefield_connection;
    proxy_set_header X-Forwarded-For ${trustProxy ? '$proxy_add_x_forwarded_for' : '$remote_addr'};
    proxy_set_header X-Forwarded-Host ${trustProxy ? '$filefield_forwarded_host' : '$filefield_host'};
    proxy_set_header X-Forwarded-Proto ${trustProxy ? '$filefield_proto' : '$scheme'};
    # Streamed responses pass at the speed of the client, without a temporary file.
    proxy_max_temp_file_size 0;
${[...hidden, ...headers.map(([header]) => header)].map((header) => `    proxy_hide_header ${header};`).join('\n')}
${siteHeaders(headers)}  }
${path === '' ? '' : rest}`;
}

function siteHeaders(headers: CheckedSetup['headers']): string {
  return headers.map(([header, value]) => `    add_header ${header} "${value}" always;\n`).join('');
}

function placeLocation(folder: string, prefix: string, headers: CheckedSetup['headers']): string {
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
${addHeaders((header) => `$upstream_http_${variable(header)}`, headers)}
    error_page 301 404 = @filefield_missing;
    error_page 403 = @filefield_forbidden;
  }
`;
}

/** Responses in place of a file. The Cache-Control of the view is sent as well; caches obey the stricter one, `no-store`. */
function refusals({ remotes, headers }: CheckedSetup): string {
  const site = headers.map(([header, value]) => `add_header ${header} "${value}" always; `).join('');
  const refusal = (name: string, status: number, more = '') =>
    `  location @filefield_${name} { add_header Cache-Control no-store always; ${site}${more}return ${status}; }\n`;
  const ours = refusal('missing', 404) + refusal('forbidden', 403);
  if (remotes.length === 0) return ours;
  // The view answers 416 itself if it knows the size.
  const range = 'add_header Content-Range $upstream_http_content_range always; ';
  return ours + refusal('failed', 502) + refusal('range', 416, range);
}
