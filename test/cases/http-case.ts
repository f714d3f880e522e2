/** The file behind the URL of a case; `content` or `size` defines its bytes. */
export interface CaseFile {
  readonly content?: string;
  /** In bytes: a file of this length, whose bytes count from 0 to 250 repeatedly. */
  readonly size?: number;
  /** A file of `size` zero bytes that uses no disk space. */
  readonly sparse?: true;
  readonly missing?: true;
  /** The modification time in ISO 8601; null if it is unknown. */
  readonly mtime?: string | null;
  readonly etag?: string | null;
}

/** First and last byte position, both included, as in a Range header. */
export type Slice = readonly [first: number, last: number];

/** The exact value of a header field, a pattern, or `untilNow`; null if the field must be absent. */
export type HeaderRule = string | null | RegExp;

/** The rule for a time that is not later than the Date of the reply. */
export const untilNow = 'a time that is not in the future';

/** The expected reply. */
export interface Expected {
  readonly status: number;
  readonly headers: Readonly<Record<string, HeaderRule>>;
  /** The parts of the file in the body: none, one slice, or the parts of a multipart body in order. */
  readonly body: readonly Slice[] | 'an error page';
}

/** A request without its URL. */
export interface CaseRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** One request for one file, and the expected reply. */
export interface HttpCase {
  readonly group: string;
  readonly title: string;
  readonly file: CaseFile;
  readonly request: CaseRequest;
  readonly expected: Expected;
}

/** Makes the expected reply for a file and a method. */
export type Answer = (file: CaseFile, method: string) => Expected;

/** One row of a table; `file` replaces the file of the table. */
export type Row = readonly [title: string, request: CaseRequest, answer: Answer, file?: CaseFile];

/** The cases of one subject. */
export function table(group: string, file: CaseFile, rows: readonly Row[]): readonly HttpCase[] {
  return rows.map(([title, request, answer, rowFile = file]) => ({
    group,
    title,
    file: rowFile,
    request,
    expected: answer(rowFile, request.method),
  }));
}

export const get = (headers: CaseRequest['headers'] = {}): CaseRequest => ({ method: 'GET', headers });
export const head = (headers: CaseRequest['headers'] = {}): CaseRequest => ({ method: 'HEAD', headers });

/** The bytes of a case's file. */
export function bytesOf({ content, size = 0 }: CaseFile): Buffer {
  return Buffer.from(content ?? Uint8Array.from({ length: size }, (_byte, index) => index % 251));
}

/** The number of bytes of a case's file. */
export const sizeOf = ({ content, size = 0 }: CaseFile): number => content?.length ?? size;
