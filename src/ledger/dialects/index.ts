export { mysql } from './mysql.js';
export { postgres } from './postgres.js';
export { sqlite } from './sqlite.js';
