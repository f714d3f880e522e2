export interface ParsedPart {
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
}

/**
 * Parses a multipart/byteranges body strictly: throws for everything that RFC 2046 section 5.1.1 does not allow, and for a
 * body that does not begin with an empty line, which zsync expects of every server.
 */
export function parseMultipart(contentType: string, body: Buffer): readonly ParsedPart[] {
  const boundary = /^multipart\/byteranges; *boundary="?([\w'()+,./:=?-]{1,70})"?$/.exec(contentType)?.[1];
  if (boundary === undefined) throw new Error(`no boundary in ${contentType}`);
  const parts: ParsedPart[] = [];
  const opening = Buffer.from(`\r\n--${boundary}`);
  if (!body.subarray(0, opening.byteLength).equals(opening))
    throw new Error('the body does not begin with an empty line and its boundary');
  for (let at = opening.byteLength; ;) {
    const tail = body.subarray(at, at + 4).toString('latin1');
    if (tail.startsWith('--')) {
      if (tail !== '--\r\n' || at + 4 !== body.byteLength) throw new Error('bytes after the closing boundary');
      return parts;
    }
    if (!tail.startsWith('\r\n')) throw new Error('no CRLF after a boundary');
    const end = body.indexOf('\r\n\r\n', at);
    const lines = body
      .subarray(at + 2, end)
      .toString('latin1')
      .split('\r\n');
    const headers = Object.fromEntries(
      lines.map((line) => [line.split(': ', 1)[0]!.toLowerCase(), line.slice(line.indexOf(': ') + 2)]),
    );
    const [, from, to] = /^bytes (\d+)-(\d+)\//.exec(headers['content-range'] ?? '') ?? [];
    const bytes = body.subarray(end + 4, end + 4 + Number(to) - Number(from) + 1);
    parts.push({ headers, bytes });
    at = end + 4 + bytes.byteLength;
    const next = `\r\n--${boundary}`;
    if (body.subarray(at, at + next.length).toString('latin1') !== next) throw new Error('no boundary after a part');
    at += next.length;
  }
}
