import { handOffHeaders } from '../hand-off-headers.js';
import type { CheckedSetup } from '../setup.js';
import { quoted } from '../quoted.js';

/** `${NAME}` is replaced even between quotes. */
const quote = (folder: string) =>
  quoted(folder, { server: 'Apache', unfit: /\$\{/, escape: (text) => text.replace(/["\\]/g, '\\$&') });

/** The virtual host; around it, for standalone use, what Apache needs to run from one folder. */
export function apacheConfiguration(setup: CheckedSetup): string {
  const { standalone, upstream } = setup;
  const tls = upstream.protocol === 'https:' ? ['ssl'] : [];
  if (standalone === undefined) {
    return `# Save as /etc/apache2/sites-available/filefield.conf (the package is libapache2-mod-xsendfile), then:
# a2enmod ${['proxy_http', 'headers', 'xsendfile', ...tls].join(' ')} && a2ensite filefield && apachectl configtest && systemctl reload apache2
# Apache must be allowed to read the folders; DiskStorage makes files readable by their owner and group.
${listen(setup)}${virtualHost(setup)}`;
  }
  const modules = ['mpm_event', 'authz_core', 'headers', 'proxy', 'proxy_http', 'xsendfile', ...tls]
    .map((name) => `LoadModule ${`${name}_module`.padEnd(18)} /usr/lib/apache2/modules/mod_${name}.so`)
    .join('\n');
  return `# Save as apache.conf in ${standalone}, then: apache2 -f ${standalone}/apache.conf -DFOREGROUND
# Started by root, its workers are www-data; these two lines mean nothing to anybody else.
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

${virtualHost(setup)}`;
}

/** Debian's ports.conf already listens at 80 and 443. */
function listen({ listen: address, port }: CheckedSetup): string {
  return port === '80' || port === '443' ? '' : `Listen ${address}\n`;
}

function virtualHost({ places, upstream, host = '*', port, serverName }: CheckedSetup): string {
  // mod_xsendfile takes its own header away itself, after this would have.
  const hidden = handOffHeaders.filter((name) => name !== 'X-Sendfile');
  return `<VirtualHost ${host}:${port}>${serverName === undefined ? '' : `\n  ServerName ${serverName}`}
  # nocanon and NoDecode leave the address as it came; without retry=0 a restart of the application costs a minute of 503.
  # Connections are kept for a little less than Node keeps them.
  ProxyPass "/" "${upstream.origin}/" nocanon retry=0 ttl=4
  AllowEncodedSlashes NoDecode${upstream.protocol === 'https:' ? '\n  SSLProxyEngine on' : ''}
  ProxyPreserveHost On
  RequestHeader set X-Forwarded-Proto expr=%{REQUEST_SCHEME}
  # How large an upload may be is for the application to say.
  LimitRequestBody 0

  # Files are sent from these folders and from nowhere else.
  XSendFile on
${places.map(({ folder }) => `  XSendFilePath ${quote(folder)}`).join('\n')}
  # For files without a tag of the application's, mod_xsendfile 0.12 makes the same one, "0", for all.
  FileETag None
${hidden.map((name) => `  Header unset ${name}`).join('\n')}
</VirtualHost>
`;
}
