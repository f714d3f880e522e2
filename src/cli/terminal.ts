/** What a command writes to, and the environment; a process has this shape. */
export interface Terminal {
  /** For results. `isTTY` is true if a person reads it. */
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean };
  /** For errors. */
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
  /** Environment variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

const codes = { green: 32, red: 31, dim: 2 } as const;

/** Returns a function that colours text, if stdout is a terminal and NO_COLOR is not set (https://no-color.org). */
export function painter({ stdout, env }: Terminal): (colour: keyof typeof codes, text: string) => string {
  const plain = !stdout.isTTY || Boolean(env.NO_COLOR) || env.TERM === 'dumb';
  return (colour, text) => (plain ? text : `\u001b[${codes[colour]}m${text}\u001b[0m`);
}
