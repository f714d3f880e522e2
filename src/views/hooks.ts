import type { DownloadRequest } from '../response/request.js';
import type { DownloadHooks } from '../response/download.js';
import type { DownloadViewOptions, Hook } from './view-options.js';

/** The hooks among a view's options, tied to one request and unable to harm it; undefined when there are none. */
export function hooksOf<Raw, Subject>(
  request: DownloadRequest<Raw>,
  subject: Subject,
  { onStart, onComplete, onAbort, onMissing }: DownloadViewOptions<Raw, Subject>,
): DownloadHooks | undefined {
  if (!onStart && !onComplete && !onAbort && !onMissing) return undefined;
  const report = request.report ?? console.error;
  const tie =
    <Event>(hook: Hook<Raw, Subject, Event> | undefined) =>
    (event: Event): void => {
      if (hook) void (async () => hook(request.raw, subject, event))().catch(report);
    };
  return { start: tie(onStart), complete: tie(onComplete), abort: tie(onAbort), missing: tie(onMissing) };
}
