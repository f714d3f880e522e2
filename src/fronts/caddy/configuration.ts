import { handOffHeaders } from '../hand-off-headers.js';
import type { CheckedSetup } from '../setup.js';
import { quoted } from '../quoted.js';

/** Braces are placeholders even between quotes; a backslash before a quote cannot be told from one that escapes it. */
const quote = (folder: string) =>
  quoted(folder, { server: 'Caddy', unfit: /[{}]|\\(?="|$)/, escape: (text) => text.replaceAll('"', '\\"') });

/** The site; before it, for standalone use, what Caddy needs to run without its own folders. */
export function caddyConfiguration(setup: CheckedSetup): string {
  const { standalone } = setup;
  if (standalone === undefined) {
    return `# Add to /etc/caddy/Caddyfile, then: caddy validate --config /etc/caddy/Caddyfile && systemctl reload caddy
# For HTTPS, which Caddy sees to by itself, write the host's name alone in place of the address.
# Caddy must be allowed to read the folders; DiskStorage makes files readable by their owner and group.
${site(setup)}`;
  }
  return `# Save as Caddyfile in ${standalone}, then:
# XDG_DATA_HOME=${standalone} XDG_CONFIG_HOME=${standalone} caddy run --config ${standalone}/Caddyfile --adapter caddyfile
{
	admin off
	auto_https off
}

${site(setup)}`;
}

function site({ places, upstream, host, port, serverName = '' }: CheckedSetup): string {
  return `http://${serverName}:${port} {${host === undefined ? '' : `\n\tbind ${host.replace(/^\[|\]$/g, '')}`}
	reverse_proxy ${upstream.origin} {
		@handed header X-Accel-Redirect *
		handle_response @handed {
			rewrite * {rp.header.X-Accel-Redirect}
			# The files are for GET and HEAD; HEAD must stay what it is.
			@other not method GET HEAD
			method @other GET
			# All that the view said, but what the file itself says better.
			copy_response_headers {
				exclude ${handOffHeaders.join(' ')}
				exclude Content-Length Content-Encoding Accept-Ranges ETag Last-Modified Date Connection Keep-Alive
			}
${places.map(({ folder, prefix }) => placeRoute(folder, prefix)).join('')}			error 404
		}
${handOffHeaders
  .filter((name) => name !== 'X-Accel-Redirect')
  .map((name) => `\t\theader_down -${name}\n`)
  .join('')}	}
	# Of a file that is lost at the last moment nothing may be kept, its head least of all.
	handle_errors {
		header {
			-Content-Disposition
			-Content-Type
			Cache-Control no-store
		}
		respond "{err.status_code} {err.status_text}"
	}
}
`;
}

function placeRoute(folder: string, prefix: string): string {
  return `			handle_path ${prefix}/* {
				root * ${quote(folder)}
				file_server {
					disable_canonical_uris
					# No index.html in place of a folder.
					index .
				}
			}
`;
}
