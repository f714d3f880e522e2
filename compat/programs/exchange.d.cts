import type { RequestListener, Server } from 'node:http';

/** Returns one line with the responses of the application. */
export function exchange(app: RequestListener & { listen(port: number, host: string): Server }): Promise<string>;
