export { accept } from './accept.js';
export { allowEmpty } from './allow-empty.js';
export { check } from './check.js';
export { extensions } from './extensions.js';
export { maxSize } from './max-size.js';
