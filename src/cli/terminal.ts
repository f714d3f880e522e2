/** Where a command writes: the process, or a test's own. */
export interface Terminal {
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly stderr: { write(text: string): unknown };
  readonly env: Readonly<Record<string, string | undefined>>;
}

const codes = { green: 32, red: 31, dim: 2 } as const;

/** Paints text where a person looks at it on a terminal, and has not asked for none (https://no-color.org). */
export function painter({ stdout, env }: Terminal): (colour: keyof typeof codes, text: string) => string {
  const plain = !stdout.isTTY || Boolean(env.NO_COLOR) || env.TERM === 'dumb';
  return (colour, text) => (plain ? text : `\u001b[${codes[colour]}m${text}\u001b[0m`);
}
