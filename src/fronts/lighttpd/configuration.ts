import { invalidOption } from '../../options.js';
import { quoted, type CheckedSetup } from '../setup.js';

/** lighttpd reads a backslash before a quote as an escape, and cannot escape the backslash. */
const quote = (folder: string) =>
  quoted(folder, { server: 'lighttpd', unquotable: /\\(?="|$)/, escape: (text) => text.replaceAll('"', '\\"') });

/** The settings of one site; with `standalone`, a complete lighttpd.conf around them. */
export function lighttpdConfiguration(setup: CheckedSetup, instructions: readonly string[]): string {
  const { standalone, listen, upstreams, trustProxy } = setup;
  if (upstreams.some(({ tls }) => tls)) {
    throw invalidOption(
      'The option "upstream" must start with http:// or unix: for lighttpd, which cannot use TLS to the application.',
    );
  }
  const settings = forNames(setup, belowPath(setup, proxySettings(setup, instructions)));
  const modules = [...(trustProxy ? ['mod_extforward'] : []), 'mod_proxy', 'mod_setenv']
    .map((name) => `"${name}"`)
    .join(', ');
  if (standalone === undefined) {
    return `# Save as /etc/lighttpd/conf-available/60-filefield.conf, then:
# lighty-enable-mod filefield && lighttpd -tt -f /etc/lighttpd/lighttpd.conf && systemctl reload lighttpd
# lighttpd needs read access to the folders; DiskStorage makes files readable for their owner and group.
server.modules += ( ${modules} )
${forAllSites}
${socketLines(setup)} {
${indent(settings)}}
`;
  }
  return `# Save as lighttpd.conf in ${standalone}, then: lighttpd -D -f ${standalone}/lighttpd.conf
# Started by root, lighttpd runs as www-data; it ignores these two lines if another account starts it.
server.username = "www-data"
server.groupname = "www-data"
server.document-root = ${quote(standalone)}
server.upload-dirs = ( ${quote(standalone)} )
server.pid-file = ${quote(`${standalone}/lighttpd.pid`)}
server.errorlog = ${quote(`${standalone}/error.log`)}
${listen.host === undefined ? `$SERVER["socket"] == "[::]:${listen.port}" { }\n` : `server.bind = "${listen.host}"\n`}server.port = ${listen.port}
server.modules = ( ${modules} )
${forAllSites}
${settings}`;
}

/** The condition for one address. All addresses are two sockets: one of IPv4 and one of IPv6. */
function socketLines({ listen: { host, port } }: CheckedSetup): string {
  if (host !== undefined) return `$SERVER["socket"] == "${host}:${port}"`;
  return `# All addresses of IPv4 and IPv6.
$SERVER["socket"] == ":${port}" { }
$SERVER["socket"] == "[::]:${port}" { }
$SERVER["socket"] =~ ":${port}$"`;
}

function forNames({ serverNames }: CheckedSetup, settings: string): string {
  if (serverNames.length === 0) return settings;
  const patterns = serverNames.map((name) => name.replaceAll('.', '\\.').replace('*', '[^:]+'));
  const pattern = patterns.length === 1 ? patterns[0]! : `(${patterns.join('|')})`;
  return `$HTTP["host"] =~ "^${pattern}(:\\d+)?$" {\n${indent(settings)}}\n`;
}

function belowPath({ path }: CheckedSetup, settings: string): string {
  return path === '' ? settings : `$HTTP["url"] =~ "^${path.replaceAll('.', '\\.')}/" {\n${indent(settings)}}\n`;
}

/** lighttpd has these settings per server, not per site; `:=` replaces those of the main file. */
const forAllSites = `# For all sites: URLs reach the application unchanged; otherwise signed URLs and names with %2F would fail.
server.http-parseopts := ( "url-normalize" => "disable" )
# For all sites: sizes are not cached; otherwise a file that was just replaced would be cut to its old length.
server.stat-cache-engine := "disable"
`;

const indent = (text: string) => text.replace(/^(?=.)/gm, '  ');

function proxySettings(setup: CheckedSetup, instructions: readonly string[]): string {
  const { standalone, trustProxy, headers } = setup;
  // lighttpd removes X-Sendfile after it has acted on it; this setting would do so before.
  const hidden = instructions.filter((name) => name !== 'X-Sendfile').map((name) => [name, ''] as const);
  const forwarded = trustProxy
    ? `# The proxy before this server knows better where the request comes from.
extforward.forwarder = ( "all" => "trust" )
extforward.headers = ( "X-Forwarded-For" )
`
    : `# What a client says about where it comes from is replaced; lighttpd itself replaces the other headers.
setenv.set-request-header = ( "X-Forwarded-For" => "" )
`;
  const access = `# Debian's main file refuses URLs that end in ~ or .inc.\nurl.access-deny = ()\n`;
  return `${standalone === undefined ? access : ''}# By default lighttpd buffers whole bodies, of uploads and of responses.
server.stream-request-body = 2
server.stream-response-body = 2
# WebSockets pass.
proxy.header = ( "upgrade" => "enable" )
${forwarded}proxy.server = ( "" => (${hosts(setup)}) )
setenv.set-response-header = (
${[...hidden, ...headers].map(([name, value]) => `  "${name}" => "${value}",\n`).join('')})
`;
}

function hosts({ upstreams, places }: CheckedSetup): string {
  const folders = places.map(({ folder }) => `    ${quote(folder)},\n`).join('');
  const one = ({ hostname, port, socket }: CheckedSetup['upstreams'][number]) =>
    `( ${socket === undefined ? `"host" => "${hostname}", "port" => ${port}` : `"host" => "${socket}"`},
  "x-sendfile" => "enable",
  # Files are sent from these folders only.
  "x-sendfile-docroot" => (
${folders}  )
)`;
  return upstreams.map(one).join(', ');
}
