import { FileFieldError } from '../../errors.js';
import { handOffHeaders } from '../hand-off-headers.js';
import type { CheckedSetup } from '../setup.js';
import { quoted } from '../quoted.js';

const quote = (folder: string) =>
  quoted(folder, { server: 'lighttpd', unfit: /\\(?="|$)/, escape: (text) => text.replaceAll('"', '\\"') });

/** What belongs to one socket; around it, for standalone use, what lighttpd needs to run from one folder. */
export function lighttpdConfiguration(setup: CheckedSetup): string {
  const { standalone, host, port, serverName, upstream } = setup;
  if (upstream.protocol === 'https:') {
    throw new FileFieldError('invalid_option', 'lighttpd speaks no TLS to the application: give an http:// upstream.');
  }
  const settings =
    serverName === undefined
      ? proxy(setup)
      : `$HTTP["host"] =~ "^${serverName.replaceAll('.', '\\.')}(:\\d+)?$" {\n${indent(proxy(setup))}}\n`;
  if (standalone === undefined) {
    const all = `# Debian's main file refuses addresses that end in ~ or .inc.\nurl.access-deny = ()\n${settings}`;
    return `# Save as /etc/lighttpd/conf-available/60-filefield.conf, then:
# lighty-enable-mod filefield && lighttpd -tt -f /etc/lighttpd/lighttpd.conf && systemctl reload lighttpd
# lighttpd must be allowed to read the folders; DiskStorage makes files readable by their owner and group.
server.modules += ( "mod_proxy", "mod_setenv" )
${forAllSites}
$SERVER["socket"] == "${host ?? ''}:${port}" {
${indent(all)}}
`;
  }
  return `# Save as lighttpd.conf in ${standalone}, then: lighttpd -D -f ${standalone}/lighttpd.conf
# Started by root, it goes on as www-data; these two lines mean nothing to anybody else.
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

/** lighttpd has these for the whole server only; `:=` replaces what the main file says. */
const forAllSites = `# For all sites: addresses go to the application as they came, or signed ones, and names with %2F, would break.
server.http-parseopts := ( "url-normalize" => "disable" )
# For all sites: else a file that was replaced is cut to the length it had a second ago.
server.stat-cache-engine := "disable"
`;

const indent = (text: string) => text.replace(/^(?=.)/gm, '  ');

function proxy({ places, upstream }: CheckedSetup): string {
  const folders = places.map(({ folder }) => `    ${quote(folder)},\n`).join('');
  // lighttpd takes its own header away itself, after this would have.
  const hidden = handOffHeaders.filter((name) => name !== 'X-Sendfile');
  const port = upstream.port === '' ? '80' : upstream.port;
  return `# By default lighttpd keeps a body back until it is complete, an upload as well as an answer.
server.stream-request-body = 2
server.stream-response-body = 2
proxy.server = ( "" => (( "host" => "${upstream.hostname}", "port" => ${port},
  "x-sendfile" => "enable",
  # Files are sent from these folders and from nowhere else.
  "x-sendfile-docroot" => (
${folders}  )
)) )
setenv.set-response-header = (
${hidden.map((name) => `  "${name}" => "",\n`).join('')})
`;
}
