/** Headers of a view's answer that belong to the client and that a server may drop when it sends the file itself. */
export const carriedHeaders: readonly string[] = [
  'X-Content-Type-Options',
  'Content-Security-Policy',
  'Cross-Origin-Resource-Policy',
  'Access-Control-Allow-Origin',
  'Access-Control-Allow-Credentials',
  'Access-Control-Expose-Headers',
  'Vary',
  'Referrer-Policy',
  'Strict-Transport-Security',
  'X-Frame-Options',
  'X-Robots-Tag',
  'Repr-Digest',
  'Content-Language',
  'Link',
  'X-Filefield-Delivery',
];

/** Headers by which an application talks to the server in front of it. They tell paths, so no client may see them. */
export const handOffHeaders: readonly string[] = [
  'X-Accel-Redirect',
  'X-Accel-Buffering',
  'X-Accel-Charset',
  'X-Accel-Expires',
  'X-Accel-Limit-Rate',
  'X-Sendfile',
  'X-Sendfile2',
  'X-LIGHTTPD-send-file',
];
