import { quoted, type CheckedSetup } from '../setup.js';

/** Apache replaces `${NAME}` even between quotes. */
const quote = (folder: string) =>
  quoted(folder, { server: 'Apache', unquotable: /\$\{/, escape: (text) => text.replace(/["\\]/g, '\\$&') });

/** The virtual host; with `standalone`, a complete apache.conf around it. */
export function apacheConfiguration(setup: CheckedSetup, instructions: readonly string[]): string {
  const { standalone, upstream } = setup;
  const tls = upstream.protocol === 'https:' ? ['ssl'] : [];
  if (standalone === undefined) {
    return `# Save as /etc/apache2/sites-available/filefield.conf (the package is libapache2-mod-xsendfile), then:
# a2enmod ${['proxy_http', 'headers', 'xsendfile', ...tls].join(' ')} && a2ensite filefield && apachectl configtest && systemctl reload apache2
# Apache needs read access to the folders; DiskStorage makes files readable for their owner and group.
${listen(setup)}${virtualHost(setup, instructions)}`;
  }
  const modules = ['mpm_event', 'authz_core', 'headers', 'proxy', 'proxy_http', 'xsendfile', ...tls]
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
Listen ${setup.listen}

${virtualHost(setup, instructions)}`;
}

/** Debian's ports.conf already listens on 80 and 443. */
function listen({ listen: address, port }: CheckedSetup): string {
  return port === '80' || port === '443' ? '' : `Listen ${address}\n`;
}

function virtualHost(setup: CheckedSetup, instructions: readonly string[]): string {
  const { places, upstream, host = '*', port, serverName } = setup;
  // mod_xsendfile removes X-Sendfile after it has acted on it; `Header unset` would run before.
  const hidden = instructions.filter((name) => name !== 'X-Sendfile');
  return `<VirtualHost ${host}:${port}>${serverName === undefined ? '' : `\n  ServerName ${serverName}`}
  # nocanon and NoDecode pass on URLs unchanged. Without retry=0, a restart of the application means a minute of 503.
  # Connections are reused, for slightly less than Node keeps them open.
  ProxyPass "/" "${upstream.origin}/" nocanon retry=0 ttl=4
  AllowEncodedSlashes NoDecode${upstream.protocol === 'https:' ? '\n  SSLProxyEngine on' : ''}
  ProxyPreserveHost On
  RequestHeader set X-Forwarded-Proto expr=%{REQUEST_SCHEME}
  # The application limits the size of uploads.
  LimitRequestBody 0

  # Files are sent from these folders only.
  XSendFile on
${places.map(({ folder }) => `  XSendFilePath ${quote(folder)}`).join('\n')}
  # To files without an ETag of the application, mod_xsendfile 0.12 would give the same one, "0".
  FileETag None
${hidden.map((name) => `  Header unset ${name}`).join('\n')}
</VirtualHost>
`;
}
