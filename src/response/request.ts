/**
 * What the serving half reads of a request; an adapter makes it of its framework's own, which stays at hand in `raw`
 * for the functions among a view's options.
 */
export interface DownloadRequest<Raw = unknown> {
  /** In capitals. */
  readonly method: string;
  /** Path and query as the client sent them, before any router took something off; signatures are about these. */
  readonly url?: string;
  /** Names in lower case, as Node gives them. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Route parameters, decoded. */
  readonly params: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly raw: Raw;
  /**
   * Told of failures that must not change the answer, such as those of hooks.
   * @default console.error
   */
  readonly report?: (error: unknown) => void;
}

/** One request header as text; repeated ones joined by commas (RFC 9110 section 5.3). */
export function header(request: DownloadRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'object' ? value.join(', ') : value;
}
