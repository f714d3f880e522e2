import { frontConfiguration, type FrontName } from 'filefield';

/** A main configuration with these texts for the folder of sites, as the packages of Debian have it. */
const around: Readonly<Record<FrontName, (sites: string, run: string) => string>> = {
  nginx: (sites, run) => {
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${kind};`);
    return `daemon off; user www-data; pid ${run}/nginx.pid; events {}
      http { access_log off; ${temporary.join(' ')}\n${sites}\n}`;
  },
  apache: (sites, run) => {
    const text = frontConfiguration('apache', {
      places: [{ folder: '/srv/var/documents', prefix: '/_filefield/documents' }],
      upstream: ['http://127.0.0.1:3000', 'http://127.0.0.1:3001'],
      listen: '127.0.0.1:8080',
      standalone: run,
    });
    const [main = ''] = text.split(/^Listen/m);
    return `${main}\n${sites}`;
  },
  lighttpd: (sites, run) => `server.document-root = "${run}"
    server.upload-dirs = ( "${run}" )
    server.errorlog = "${run}/error.log"
    server.bind = "127.0.0.1"
    server.port = 0
    server.modules = ( "mod_access", "mod_proxy" )
    url.access-deny = ( "~" )
    server.http-parseopts = ( "url-path-2f-decode" => "enable" )
    ${sites}`,
  caddy: (sites) => `{\n\tadmin off\n\tauto_https off\n}\n${sites}`,
};

/** Wraps texts for the folder of sites in a main configuration that runs in the foreground from the folder `run`. */
export function aroundSites(server: FrontName, sites: readonly string[], run: string): string {
  return around[server](sites.join('\n'), run);
}
