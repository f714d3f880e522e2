import { get, type HttpCase } from './http-case.js';

type Encoding = 'br' | 'gzip' | 'identity';

/** The contents of `page.html` and of its compressed versions. */
export const stored: Readonly<Record<Encoding, string>> = {
  identity: 'IDENTITY-IDENTITY-IDENTITY',
  gzip: 'GZ',
  br: 'BR',
};

/** The response of a view with the encodings `br` and `gzip` and the entity tag `"p"` to one value of Accept-Encoding. */
function row(title: string, accept: string | undefined, encoding: Encoding, etag?: string): HttpCase {
  const content = stored[encoding];
  return {
    group: 'Accept-Encoding',
    title,
    file: { content },
    request: get(accept === undefined ? {} : { 'accept-encoding': accept }),
    expected: {
      status: 200,
      headers: {
        vary: 'Accept-Encoding',
        'content-encoding': encoding === 'identity' ? null : encoding,
        'content-length': String(content.length),
        ...(etag && { etag }),
      },
      body: [[0, content.length - 1]],
    },
  };
}

// RFC 9110 sections 8.8.3.3 (tags of encodings) and 12.5.3 (Accept-Encoding).
export const encodingCases: readonly HttpCase[] = [
  row('sends gzip when it is accepted', 'gzip', 'gzip'),
  row('sends gzip when brotli is refused', 'gzip;q=1.0, br;q=0', 'gzip'),
  row('sends the file itself when both are refused', 'br;q=0, gzip;q=0', 'identity'),
  row('sends brotli, the first encoding of the view, when any is accepted', '*', 'br'),
  row('sends the file itself when only identity is accepted', 'identity', 'identity'),
  row('sends the file itself without Accept-Encoding', undefined, 'identity'),
  row('reads the name of an encoding in upper case', 'GZIP', 'gzip'),
  row('sends the file itself for a name that contains gzip', 'xgzip', 'identity'),
  row('sends the file itself when it is preferred to gzip', 'gzip;q=0.001, identity;q=1', 'identity'),
  row('sends a separate tag with gzip', 'gzip', 'gzip', '"p-gzip"'),
  row('sends a separate tag with brotli', 'br', 'br', '"p-br"'),
  row('sends the unchanged tag with the file itself', 'identity', 'identity', '"p"'),
];
