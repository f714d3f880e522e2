import { FileFieldError } from '../errors.js';

const units = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
} as const;

/** Bytes as a number, or as text with a unit: `'20 MB'` is 20,000,000, `'20 MiB'` is 20,971,520. */
export type ByteSize = number | `${number} ${keyof typeof units}` | `${number}${keyof typeof units}`;

/** The bytes that a size stands for. Throws `invalid_option`. */
export function parseByteSize(size: ByteSize): number {
  const match = /^(\d+(?:\.\d+)?) ?([KMGT]?i?B)$/.exec(String(size));
  const unit = match?.[2] as keyof typeof units | undefined;
  const bytes = typeof size === 'number' ? size : Math.floor(Number(match?.[1]) * (unit ? (units[unit] ?? NaN) : NaN));
  if (Number.isSafeInteger(bytes) && bytes >= 0) return bytes;
  throw new FileFieldError(
    'invalid_option',
    `"${size}" is not a size; write a number of bytes or text like "20 MB" or "20 MiB".`,
  );
}
