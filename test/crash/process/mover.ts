// A process that moves all files to the storage `archive` and prints the report as JSON. PLACE is the application as JSON.
import type { Place } from './application.js';

const place = JSON.parse(process.env.PLACE!) as Place;
const app =
  place.orm === 'typeorm'
    ? await (await import('./typeorm.js')).openTypeorm(place)
    : await (await import('./mikro-orm.js')).openMikroOrm(place);
const report = await app.files.move({
  from: 'documents',
  to: 'archive',
  concurrency: 4,
  onProgress: () => process.stderr.write('.'),
});
console.log(JSON.stringify(report));
await app.close();
process.exit(0);
