import type { Kind } from '../accidents.js';

export const serving = {
  heading: 'Downloads',
  accidents: {
    'overlapping-ranges-exhaust-memory': {
      title: 'One request with overlapping ranges took the memory of a server',
      project: 'Apache HTTP Server',
      year: 2011,
      link: 'https://github.com/advisories/GHSA-r3pv-69hm-fcjw',
      story:
        'A Range header with hundreds of overlapping ranges made the server prepare each of them. A tool for this was in use before there was a fix (CVE-2011-3192).',
      here: 'Ranges that overlap or nearly touch are merged, and more than 50 ranges get the whole file once.',
    },
    'thousands-of-tiny-ranges': {
      title: 'Thousands of tiny ranges passed the check of their sum',
      project: 'Rack',
      year: 2026,
      link: 'https://www.tenable.com/cve/CVE-2026-34826',
      story:
        'An earlier fix refused ranges that cover more than the file. It did not count them: `0-0,0-0,0-0` and so on still cost a part with headers each.',
      here: 'The same ranges are one range here, and a response is never larger than the file and its head by much.',
    },
    'quadratic-range-header': {
      title: 'A crafted Range header kept the server computing',
      project: 'Starlette',
      year: 2025,
      link: 'https://raw.githubusercontent.com/pypa/advisory-database/main/vulns/starlette/PYSEC-2026-1942.yaml',
      story:
        'Parsing and merging took time in proportion to the square of the number of ranges. One header kept a worker busy, on every route that serves a file (CVE-2025-62727).',
      here: 'A header of 100 KB is answered in milliseconds.',
    },
    'open-range-is-read-into-memory': {
      title: 'A range without an end was read into memory',
      project: 'Rails Active Storage',
      year: 2026,
      link: 'https://osv.dev/vulnerability/GHSA-r46p-8f7g-vvvg',
      story:
        'In proxy mode the controller loaded the whole requested range before it sent any of it. For `bytes=0-` of a large file that was the file (CVE-2026-33174).',
      here: 'Any range is sent through one buffer of fixed size per download.',
    },
    'client-configures-the-hand-over': {
      title: 'Clients told the server which internal address the proxy should send',
      project: 'Rack',
      year: 2025,
      link: 'https://github.com/advisories/GHSA-R657-RXJC-J557',
      story:
        'Rack::Sendfile took its configuration from request headers. A client that sent `X-Sendfile-Type` and `X-Accel-Mapping` could make nginx send internal pages past its access rules.',
      here: 'The hand-over is configured in code only; no header of a request has an effect on it.',
    },
    'percent-sign-breaks-the-hand-over': {
      title: 'nginx did not find files with a percent sign or a question mark',
      project: 'Rack',
      year: 2018,
      link: 'https://github.com/rack/rack/issues/1306',
      story:
        'nginx expects an encoded address in X-Accel-Redirect and got a bare path. `Report90%.pdf` was 404, and so were names with `?`.',
      here: 'The address is encoded segment by segment, and decodes to exactly the path of the file.',
    },
    'line-break-in-a-name-adds-headers': {
      title: 'A line break in a file name added headers to the response',
      project: 'Fiber',
      year: 2020,
      link: 'https://github.com/advisories/GHSA-9cx9-x2gp-9qvh',
      story:
        'The name of a download was written into its header as it was. Whoever could upload a name could add headers: a redirect, a cookie, another type.',
      here: 'The name is cleaned when it arrives and encoded when it is sent.',
    },
    'uploaded-svg-runs-scripts': {
      title: 'An uploaded SVG ran its scripts with the rights of the site',
      project: 'Plane',
      year: 2026,
      link: 'https://github.com/makeplane/plane/pull/9312',
      story:
        'Guests could upload SVG files, and three routes sent them inline. Opening one ran its script as the user who was signed in.',
      here: 'Types that can run scripts are attachments in a sandbox, even with `disposition: "inline"`, and `nosniff` is always sent.',
    },
    'same-second-same-size': {
      title: 'A file that changed within a second got 304',
      project: 'FreeUnit',
      year: 2026,
      link: 'https://github.com/freeunitorg/freeunit/issues/356',
      story:
        'The tag was made of the size and the second of the last change. A rewrite of the same length within the second kept the tag, and clients kept the old content.',
      here: 'A stored file never changes: a replacement is another object with another tag.',
    },
    'time-overrules-the-tag': {
      title: 'A tag that differed was overruled by a time that did not',
      project: 'Starlette',
      year: 2025,
      link: 'https://github.com/Kludex/starlette/issues/3052',
      story:
        'Files with equal times got 304 although the tag in If-None-Match had changed, since the server went on to compare If-Modified-Since.',
      here: 'With If-None-Match the time is not looked at, as RFC 9110 says.',
    },
    'following-links-opens-everything': {
      title: 'The option to follow links allowed ../ as well',
      project: 'aiohttp',
      year: 2024,
      link: 'https://www.github.com/aio-libs/aiohttp/security/advisories/GHSA-5h86-8mv2-jq9f',
      story:
        'With `follow_symlinks` nothing checked any more whether a path stays in the folder, so every file of the machine could be read, with no link at all (CVE-2024-23334).',
      here: '`symlinks: "follow"` allows links and nothing else; a path that leaves the folder is 404.',
    },
    'compressed-twin-is-a-link': {
      title: 'A link was followed where a compressed twin was looked for',
      project: 'aiohttp',
      year: 2024,
      link: 'https://osv.dev/vulnerability/PYSEC-2026-1108',
      story:
        'The requested file was checked. Its `.gz` and `.br` twins were not, so a twin that was a link to another folder was sent (CVE-2024-42367).',
      here: 'A twin is opened and checked like the file itself.',
    },
    'sibling-folder-with-the-same-start': {
      title: 'A folder beside the root whose name starts alike was served',
      project: '@hapi/inert',
      year: 2026,
      link: 'https://osv.dev/vulnerability/CVE-2026-48049',
      story:
        'The check compared the beginning of two strings: `/app/static-secret` begins with `/app/static`, and `..%2fstatic-secret/secret.txt` was sent.',
      here: 'The check compares whole segments, and no segment may be `..`.',
    },
    'encoded-slash-passes-the-guard': {
      title: 'An encoded slash passed the guard of a route',
      project: '@fastify/static',
      year: 2026,
      link: 'https://advisories.gitlab.com/pkg/npm/@fastify/static/',
      story:
        'A guard on `/admin/*` did not match `/admin%2Fsecret.html`, and the file server decoded the slash afterwards and sent the file.',
      here: 'A segment that contains a slash after decoding is 404.',
    },
    'shared-cache-keeps-a-private-file': {
      title: 'Files were marked as public, together with the cookie of a session',
      project: 'Rails Active Storage',
      year: 2024,
      link: 'https://github.com/advisories/GHSA-8h22-8cf7-hq6g',
      story:
        'The proxy mode sent `Cache-Control: public` and the session cookie of the user. Caches that kept the response could give the session to other users (CVE-2024-26144).',
      here: 'The default is `private, no-cache`, and it replaces what middleware has set.',
    },
    'interrupted-download-leaks-a-descriptor': {
      title: 'Each interrupted download leaked a descriptor',
      project: 'Ktor',
      year: 2020,
      link: 'https://github.com/ktorio/ktor/issues/1589',
      story:
        'Clients that stopped a download left its file open. On a server with impatient users the descriptors ran out.',
      here: 'The file is closed when its client leaves.',
    },
    'failed-source-ends-cleanly': {
      title: 'A download that broke off looked complete',
      project: 'Modal',
      year: 2026,
      link: 'https://github.com/modal-labs/modal-client/issues/4131',
      story:
        'A chunked response without a length ended normally after a third of the block. The client wrote a file with a gap and reported success.',
      here: 'When a source fails after the head was sent, the connection is broken, so that no client takes the rest for the whole.',
    },
    'remote-file-reaches-internal-hosts': {
      title: 'The download of a remote file reached internal hosts',
      project: 'CarrierWave',
      year: 2021,
      link: 'https://github.com/carrierwaveuploader/carrierwave/security/advisories/GHSA-fwcm-636p-68r5',
      story:
        'Users could name an address to fetch a file from. Names and addresses of the internal network worked too, so the network could be explored.',
      here: '`httpDownloadView` refuses private addresses, after DNS and after each redirect.',
    },
  },
} satisfies Kind;
