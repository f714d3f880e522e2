import { quoted, type CheckedSetup } from '../setup.js';

/** Caddy reads braces as placeholders even between quotes, and a backslash before a quote as an escape. */
const quote = (folder: string) =>
  quoted(folder, { server: 'Caddy', unquotable: /[{}]|\\(?="|$)/, escape: (text) => text.replaceAll('"', '\\"') });

/** The site; with `standalone`, a complete Caddyfile around it. */
export function caddyConfiguration(setup: CheckedSetup, instructions: readonly string[]): string {
  const { standalone, serverNames, listen } = setup;
  if (standalone === undefined) {
    const isDefault = serverNames.length === 0 && listen.port === '80';
    return `# Add to /etc/caddy/Caddyfile, then: caddy validate --config /etc/caddy/Caddyfile && systemctl reload caddy
# For HTTPS with certificates that Caddy obtains, replace the address of the site by the host name alone.
# Caddy needs read access to the folders; DiskStorage makes files readable for their owner and group.
${isDefault ? "# Remove the site :80 that Debian's Caddyfile has: without a server name, this one is for the same address.\n" : ''}${site(setup, instructions)}`;
  }
  return `# Save as Caddyfile in ${standalone}, then:
# XDG_DATA_HOME=${standalone} XDG_CONFIG_HOME=${standalone} caddy run --config ${standalone}/Caddyfile --adapter caddyfile
{
	admin off
	auto_https off
}

${site(setup, instructions)}`;
}

function site(setup: CheckedSetup, instructions: readonly string[]): string {
  const { places, listen, headers, trustProxy, path } = setup;
  // The handler of the first one removes it.
  const hidden = instructions.filter((name) => name !== 'X-Accel-Redirect');
  const bind = listen.host === undefined ? '' : `\n\tbind ${listen.host.replace(/^\[|\]$/g, '')}`;
  const trusted = `
		# The proxy before this server knows better where the request comes from.
		trusted_proxies 0.0.0.0/0 ::/0`;
  const several = `
		# If one process is gone, another one gets the request.
		lb_try_duration 5s`;
  const rest = `
	# Everything else of this site is yours.
	@other_paths not path ${path}/*
	error @other_paths 404`;
  return `${addresses(setup)} {${bind}${siteHeaders(headers)}${path === '' ? '' : rest}
	reverse_proxy ${path === '' ? '' : `${path}/* `}${upstreamAddresses(setup)} {${setup.upstreams.length > 1 ? several : ''}${trustProxy ? trusted : ''}
		@handed header X-Accel-Redirect *
		handle_response @handed {
			rewrite * {rp.header.X-Accel-Redirect}
			# file_server accepts GET and HEAD only; HEAD must stay HEAD.
			@other not method GET HEAD
			method @other GET
			# All headers of the view, except instructions and those that file_server sets.
			copy_response_headers {
				exclude ${instructions.join(' ')}
				exclude Content-Length Content-Encoding Accept-Ranges ETag Last-Modified Date Connection Keep-Alive
			}
			# Those of file_server are made of time and size, which two files can share. Placeholders write names as Go does.
			header {
				ETag {rp.header.Etag}
				Last-Modified {rp.header.Last-Modified}
				defer
			}
${places.map(({ folder, prefix }) => placeRoute(folder, prefix)).join('')}			error 404
		}
${hidden.map((name) => `\t\theader_down -${name}\n`).join('')}	}
	# If the file vanishes after the view has responded, the error page must not have the headers of the download.
	handle_errors {
		header {
			-Content-Disposition
			-Content-Type
			Cache-Control no-store
${headers.map(([name, value]) => `\t\t\t${name} "${value}"\n`).join('')}		}
		respond "{err.status_code} {err.status_text}"
	}
}
`;
}

/**
 * A wildcard stands for one label here; other servers take it for several. Without a name, Caddy refuses two sites of one port
 * if both are written like this; for `http://:80` it would silently choose that of Debian.
 */
function addresses({ serverNames, listen: { port } }: CheckedSetup): string {
  if (serverNames.length === 0) return port === '443' ? 'http://:443' : `:${port}`;
  return serverNames.map((name) => `http://${name}:${port}`).join(', ');
}

/** Several have no scheme: Caddy takes a socket for another one than that of a port. */
function upstreamAddresses({ upstreams }: CheckedSetup): string {
  const [first, ...others] = upstreams.map(({ hostname, port, socket }) =>
    socket === undefined ? `${hostname}:${port}` : `unix/${socket}`,
  );
  if (others.length > 0) return [first, ...others].join(' ');
  const { tls, socket } = upstreams[0]!;
  return `${socket === undefined ? `http${tls ? 's' : ''}://` : ''}${first}`;
}

/** They replace those of the application, whenever they are set. */
function siteHeaders(headers: CheckedSetup['headers']): string {
  if (headers.length === 0) return '';
  return `\n\theader {\n${headers.map(([name, value]) => `\t\t${name} "${value}"\n`).join('')}\t\tdefer\n\t}`;
}

function placeRoute(folder: string, prefix: string): string {
  return `			handle_path ${prefix}/* {
				root * ${quote(folder)}
				file_server {
					disable_canonical_uris
					# A folder is never answered with its index.html.
					index .
				}
			}
`;
}
