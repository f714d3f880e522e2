/** The file behind the URL of a case; `content` or `size` says what is in it. */
export interface CaseFile {
  readonly content?: string;
  /** In bytes: a file of this length whose bytes count up to 250 and begin again. */
  readonly size?: number;
  /** A file of `size` zero bytes that takes no room on a disk. */
  readonly sparse?: true;
  readonly missing?: true;
  /** The modification time in ISO 8601, null when it is unknown. */
  readonly mtime?: string | null;
  readonly etag?: string | null;
}

/** First and last byte position, both included, as in a Range header. */
export type Slice = readonly [first: number, last: number];

/** The value that a header field must have, a pattern for it, or `untilNow`; null for a field that must be absent. */
export type HeaderRule = string | null | RegExp;

/** The rule for a time that is not after the Date of the reply. */
export const untilNow = 'a time that is not in the future';

/** What the reply must be. */
export interface Expected {
  readonly status: number;
  readonly headers: Readonly<Record<string, HeaderRule>>;
  /** What of the file is in the body: nothing, one slice, or the parts of a multipart body in order. */
  readonly body: readonly Slice[] | 'an error page';
}

/** A request without its URL. */
export interface CaseRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** One request for one file, and the reply that it must get. */
export interface HttpCase {
  readonly group: string;
  readonly title: string;
  readonly file: CaseFile;
  readonly request: CaseRequest;
  readonly expected: Expected;
}

/** An answer by its name in the tables: what the reply must be for this file and this method. */
export type Answer = (file: CaseFile, method: string) => Expected;

/** One row of a table; without a file of its own the row is about the file of the table. */
export type Row = readonly [title: string, request: CaseRequest, answer: Answer, file?: CaseFile];

/** The cases of one subject. */
export function table(group: string, file: CaseFile, rows: readonly Row[]): readonly HttpCase[] {
  return rows.map(([title, request, answer, own = file]) => ({
    group,
    title,
    file: own,
    request,
    expected: answer(own, request.method),
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
