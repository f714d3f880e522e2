import type { RequestListener, Server } from 'node:http';

/** Resolves to one line that says what the application answered. */
export function exchange(app: RequestListener & { listen(port: number, host: string): Server }): Promise<string>;
