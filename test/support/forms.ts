/** One part of a multipart form, as it is sent. */
export interface Part {
  /** What follows `form-data; ` in Content-Disposition. */
  readonly head: string;
  readonly content: string | Buffer;
  /** Further header lines. */
  readonly headers?: readonly string[];
}

export const boundary = 'B0undary';

/** A file part as browsers send it. */
export const filePart = (name: string, fileName: string, content: string | Buffer, type = 'text/plain'): Part => ({
  head: `name="${name}"; filename="${fileName}"`,
  content,
  headers: [`Content-Type: ${type}`],
});

/** A text field. */
export const textPart = (name: string, content: string): Part => ({ head: `name="${name}"`, content });

/** An input in which no file was chosen, as browsers send it. */
export const emptyInput = (name: string): Part => filePart(name, '', '', 'application/octet-stream');

/** The bytes of a form. */
export function formBytes(...parts: readonly Part[]): Buffer {
  const lines = parts.flatMap(({ head, content, headers = [] }) => [
    `--${boundary}\r\nContent-Disposition: form-data; ${head}\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`,
    content,
    '\r\n',
  ]);
  return Buffer.concat([...lines, `--${boundary}--\r\n`].map((line) => Buffer.from(line)));
}

/** The headers of a request with a form. */
export const formHeaders = { 'content-type': `multipart/form-data; boundary=${boundary}` };
