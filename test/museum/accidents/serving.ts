import type { Kind } from '../accidents.js';

export const serving = { heading: 'Downloads', accidents: {} } satisfies Kind;
