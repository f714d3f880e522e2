import { quoted, type CheckedSetup } from '../setup.js';

/** Apache replaces `${NAME}` even between quotes. */
const quote = (folder: string) =>
  quoted(folder, { server: 'Apache', unquotable: /\$\{/, escape: (text) => text.replace(/["\\]/g, '\\$&') });

/** The virtual host; with `standalone`, a complete apache.conf around it. */
export function apacheConfiguration(setup: CheckedSetup, instructions: readonly string[]): string {
  const { standalone, upstreams, serverNames, listen } = setup;
  const more = [
    ...(upstreams.some(({ tls }) => tls) ? ['ssl'] : []),
    ...(upstreams.length > 1 ? ['proxy_balancer', 'lbmethod_byrequests', 'slotmem_shm'] : []),
  ];
  if (standalone === undefined) {
    const isDefault = serverNames.length === 0 && listen.port === '80';
    // Debian's own site comes first, and would answer all hosts.
    const disable = isDefault ? 'a2dissite 000-default; ' : '';
    return `# Save as /etc/apache2/sites-available/filefield.conf (the package is libapache2-mod-xsendfile), then:
# ${disable}a2enmod ${['proxy_http', 'headers', 'xsendfile', ...more].join(' ')} && a2ensite filefield && apachectl configtest && systemctl reload apache2
# Apache needs read access to the folders; DiskStorage makes files readable for their owner and group.
${listenLines(setup)}${virtualHost(setup, instructions)}`;
  }
  const modules = ['mpm_event', 'authz_core', 'headers', 'proxy', 'proxy_http', 'xsendfile', ...more]
    .map((name) => `LoadModule ${`${name}_module`.padEnd(18)} /usr/lib/apache2/modules/mod_${name}.so`)
    .join('\n');
  return `# Save as apache.conf in ${standalone}, then: apache2 -f ${standalone}/apache.conf -DFOREGROUND
# Started by root, the workers run as www-data; Apache ignores these two lines if another account starts it.
User www-data
Group www-data
ServerRoot ${quote(standalone)}
DefaultRuntimeDir ${quote(standalone)}
PidFile ${quote(`${standalone}/apache.pid`)}
ErrorLog ${quote(`${standalone}/error.log`)}
Mutex ${quote(`file:${standalone}`)} default
ServerName localhost
StartServers 1
ServerLimit 1
ThreadsPerChild 25
MaxRequestWorkers 25
${modules}
Listen ${listenAddress(setup)}

${virtualHost(setup, instructions)}`;
}

/** Without a host, Apache listens on all addresses of IPv4 and IPv6. */
function listenAddress({ listen: { host, port } }: CheckedSetup): string {
  return host === undefined ? port : `${host}:${port}`;
}

/** Debian's ports.conf already listens on 80 and 443. Apache refuses to listen twice, and sites may share a port. */
function listenLines(setup: CheckedSetup): string {
  const address = listenAddress(setup);
  if (['80', '443'].includes(setup.listen.port)) return '';
  const name = `FILEFIELD_LISTEN_${address.replaceAll(/\W/g, '_')}`;
  return `<IfDefine !${name}>
  Define ${name}
  Listen ${address}
</IfDefine>
`;
}

function virtualHost(setup: CheckedSetup, instructions: readonly string[]): string {
  const { places, upstreams, listen, headers } = setup;
  // mod_xsendfile removes X-Sendfile after it has acted on it; `Header unset` would run before.
  const hidden = instructions.filter((name) => name !== 'X-Sendfile');
  const site = headers
    .map(([name, value]) => `  Header unset ${name}\n  Header always set ${name} "${value}"\n`)
    .join('');
  return `<VirtualHost ${listen.host ?? '*'}:${listen.port}>${nameLines(setup)}
  # nocanon and NoDecode pass on URLs unchanged. Without retry=0, a restart of the application means a minute of 503.
  # Connections are reused, for slightly less than Node keeps them open. WebSockets pass, and no other protocol.
${proxyLines(setup)}
  AllowEncodedSlashes NoDecode${upstreams.some(({ tls }) => tls) ? '\n  SSLProxyEngine on' : ''}
  ProxyPreserveHost On
${forwardedLines(setup)}  # The application limits the size of uploads.
  LimitRequestBody 0

  # Files are sent from these folders only.
  XSendFile on
${places.map(({ folder }) => `  XSendFilePath ${quote(folder)}`).join('\n')}
  # To files without an ETag of the application, mod_xsendfile 0.12 would give the same one, "0".
  FileETag None
${hidden.map((name) => `  Header unset ${name}`).join('\n')}
${site}</VirtualHost>
`;
}

/** ServerName cannot have a wildcard, ServerAlias can. */
function nameLines({ serverNames }: CheckedSetup): string {
  if (serverNames.length === 0) return '';
  const first = serverNames.find((name) => !name.startsWith('*')) ?? serverNames[0]!.replace('*', 'any');
  const others = serverNames.filter((name) => name !== first);
  return `\n  ServerName ${first}${others.length === 0 ? '' : `\n  ServerAlias ${others.join(' ')}`}`;
}

function proxyLines({ upstreams, name, path }: CheckedSetup): string {
  const settings = 'retry=0 ttl=4 upgrade=websocket';
  const origins = upstreams.map(({ tls, socket, hostname, port }) => {
    const origin = `http${tls ? 's' : ''}://${hostname}${port === '' ? '' : `:${port}`}`;
    return socket === undefined ? origin : `unix:${socket}|${origin}`;
  });
  if (origins.length === 1) return `  ProxyPass "${path}/" "${origins[0]}${path}/" nocanon ${settings}`;
  const members = origins.map((origin) => `    BalancerMember "${origin}" ${settings}\n`).join('');
  const balancer = `balancer://${name.replaceAll('_', '-')}`;
  return `  <Proxy "${balancer}">\n${members}  </Proxy>\n  ProxyPass "${path}/" "${balancer}${path}/" nocanon`;
}

function forwardedLines({ trustProxy }: CheckedSetup): string {
  const why = trustProxy
    ? 'The proxy before this server knows better where the request comes from.'
    : 'What a client says about where it comes from is replaced.';
  const known = trustProxy ? 'setifempty' : 'set';
  return `  # ${why}
  ProxyAddHeaders Off
  RequestHeader ${trustProxy ? 'append' : 'set'} X-Forwarded-For expr=%{REMOTE_ADDR}
  RequestHeader ${known} X-Forwarded-Host expr=%{HTTP_HOST}
  RequestHeader ${known} X-Forwarded-Proto expr=%{REQUEST_SCHEME}
`;
}
