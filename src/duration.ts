import { FileFieldError } from './errors.js';

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds as a number, or text with a unit: `'30d'`, `'10 m'`. */
export type Duration = number | `${number}${keyof typeof units}` | `${number} ${keyof typeof units}`;

/** The milliseconds that a duration stands for. Throws `invalid_option`. */
export function parseDuration(duration: Duration): number {
  const match = /^(\d+(?:\.\d+)?) ?(ms|s|m|h|d)$/.exec(String(duration));
  const unit = match?.[2] as keyof typeof units | undefined;
  const milliseconds = typeof duration === 'number' ? duration : Number(match?.[1]) * (unit ? units[unit] : NaN);
  if (Number.isFinite(milliseconds) && milliseconds >= 0) return Math.round(milliseconds);
  throw new FileFieldError(
    'invalid_option',
    `"${duration}" is not a duration; write a number of milliseconds or text like "30d".`,
  );
}
