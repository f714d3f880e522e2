import type { Kind } from '../accidents.js';

export const uploads = { heading: 'Uploads', accidents: {} } satisfies Kind;
