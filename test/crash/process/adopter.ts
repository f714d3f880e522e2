// A process that adopts the objects of all rows, ten at a time, and prints the report as JSON. PLACE is the application as JSON.
import type { DocumentRow, Place } from './application.js';
import { Document, openTypeorm } from './typeorm.js';

const app = await openTypeorm(JSON.parse(process.env.PLACE!) as Place);
const report = await app.files.adopt(Document, 'file', {
  key: ({ slug }: DocumentRow) => `${slug}.txt`,
  batch: 10,
  onProgress: () => process.stderr.write('.'),
});
console.log(JSON.stringify(report));
await app.close();
process.exit(0);
