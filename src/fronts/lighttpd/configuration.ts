import { invalidOption } from '../../options.js';
import { quoted, type CheckedSetup } from '../setup.js';

/** lighttpd reads a backslash before a quote as an escape, and cannot escape the backslash. */
const quote = (folder: string) =>
  quoted(folder, { server: 'lighttpd', unquotable: /\\(?="|$)/, escape: (text) => text.replaceAll('"', '\\"') });

/** The settings of one socket; with `standalone`, a complete lighttpd.conf around them. */
export function lighttpdConfiguration(setup: CheckedSetup, instructions: readonly string[]): string {
  const { standalone, host, port, serverName, upstream } = setup;
  if (upstream.protocol === 'https:') {
    throw invalidOption(
      'The option "upstream" must start with http:// for lighttpd, which cannot use TLS to the application.',
    );
  }
  const proxy = proxySettings(setup, instructions);
  const settings =
    serverName === undefined
      ? proxy
      : `$HTTP["host"] =~ "^${serverName.replaceAll('.', '\\.')}(:\\d+)?$" {\n${indent(proxy)}}\n`;
  if (standalone === undefined) {
    const all = `# Debian's main file refuses URLs that end in ~ or .inc.\nurl.access-deny = ()\n${settings}`;
    return `# Save as /etc/lighttpd/conf-available/60-filefield.conf, then:
# lighty-enable-mod filefield && lighttpd -tt -f /etc/lighttpd/lighttpd.conf && systemctl reload lighttpd
# lighttpd needs read access to the folders; DiskStorage makes files readable for their owner and group.
server.modules += ( "mod_proxy", "mod_setenv" )
${forAllSites}
$SERVER["socket"] == "${host ?? ''}:${port}" {
${indent(all)}}
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
${host === undefined ? '' : `server.bind = "${host}"\n`}server.port = ${port}
server.modules = ( "mod_proxy", "mod_setenv" )
${forAllSites}
${settings}`;
}

/** lighttpd has these settings per server, not per site; `:=` replaces those of the main file. */
const forAllSites = `# For all sites: URLs reach the application unchanged; otherwise signed URLs and names with %2F would fail.
server.http-parseopts := ( "url-normalize" => "disable" )
# For all sites: sizes are not cached; otherwise a file that was just replaced would be cut to its old length.
server.stat-cache-engine := "disable"
`;

const indent = (text: string) => text.replace(/^(?=.)/gm, '  ');

function proxySettings({ places, upstream }: CheckedSetup, instructions: readonly string[]): string {
  const folders = places.map(({ folder }) => `    ${quote(folder)},\n`).join('');
  // lighttpd removes X-Sendfile after it has acted on it; this setting would do so before.
  const hidden = instructions.filter((name) => name !== 'X-Sendfile');
  const port = upstream.port === '' ? '80' : upstream.port;
  return `# By default lighttpd buffers whole bodies, of uploads and of responses.
server.stream-request-body = 2
server.stream-response-body = 2
proxy.server = ( "" => (( "host" => "${upstream.hostname}", "port" => ${port},
  "x-sendfile" => "enable",
  # Files are sent from these folders only.
  "x-sendfile-docroot" => (
${folders}  )
)) )
setenv.set-response-header = (
${hidden.map((name) => `  "${name}" => "",\n`).join('')})
`;
}
