import type { Terminal } from './terminal.js';

/** How far a command is. */
export interface Progress {
  readonly files: number;
  readonly bytes: number;
  readonly totalFiles: number;
  /** Absent where nobody knows it before the end. */
  readonly totalBytes?: number;
}

/** A line on stderr with a bar, the rate and the time that is left, if a person reads it. */
export class ProgressBar {
  #shown = 0;
  readonly #started: number;

  /** `clock` tells the time in milliseconds. */
  constructor(
    private readonly terminal: Pick<Terminal, 'stderr'>,
    private readonly clock: () => number = Date.now,
  ) {
    this.#started = clock();
  }

  show(progress: Progress): void {
    const now = this.clock();
    if (!this.terminal.stderr.isTTY || now - this.#shown < 100) return;
    this.#shown = now;
    this.terminal.stderr.write(`\r\u001b[K${progressText(progress, now - this.#started)}`);
  }

  end(): void {
    if (this.#shown > 0) this.terminal.stderr.write('\r\u001b[K');
    this.#shown = 0;
  }
}

const width = 20;

/** One line: a bar, what is done, the rate, and the time that is left at this rate. */
function progressText({ files, bytes, totalFiles, totalBytes }: Progress, milliseconds: number): string {
  // Rows may come while files are moved.
  const share = Math.min(1, totalBytes ? bytes / totalBytes : files / Math.max(1, totalFiles));
  const full = Math.round(share * width);
  const rate = (bytes * 1000) / Math.max(1, milliseconds);
  const left = share > 0 ? (milliseconds * (1 - share)) / share : undefined;
  const parts = [
    `[${'#'.repeat(full)}${'-'.repeat(width - full)}]`,
    `${files} of ${totalFiles} files,`,
    `${sizeText(bytes)}${totalBytes === undefined ? '' : ` of ${sizeText(totalBytes)}`},`,
    `${sizeText(rate)}/s,`,
    left === undefined ? '' : `${timeText(left)} left`,
  ];
  return parts.join(' ').trimEnd();
}

/** Bytes for a person. */
export function sizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let value = bytes;
  for (; value >= 999.5 && unit < units.length - 1; unit += 1) value /= 1000;
  return `${value < 9.95 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

function timeText(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.ceil((seconds % 3600) / 60)} min`;
}
