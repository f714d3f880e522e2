// A process that runs one operation on one row and kills itself at a step of it. SCENARIO is the operation as JSON.
import { promises } from 'node:fs';
import { crashAt, FailingStorage, type CrashStep } from 'filefield/testing';
import { longText, type Application, type Place } from './application.js';

export type Moment = CrashStep | 'during' | 'linked' | 'before-commit' | 'after-commit' | 'trashed';

export interface Scenario {
  readonly place: Place;
  readonly operation: 'insert' | 'replace' | 'delete' | 'sweep';
  readonly at: Moment;
  readonly slug: string;
  /** Becomes the text of the file, by `longText`. */
  readonly word: string;
  /** Bytes of the text. */
  readonly size?: number;
}

const die = () => process.kill(process.pid, 'SIGKILL');

function arm(app: Application, storage: FailingStorage | undefined, at: Moment): void {
  if (at === 'before-commit' || at === 'after-commit') app.onTransaction(at, die);
  else if (at === 'during') storage!.fail('write', { after: size ? 0.9 * size : 70_000, kill: true });
  else if (at === 'linked') {
    // The bytes have their final name, and the temporary one still exists.
    const { link } = promises;
    promises.link = async (...names) => {
      await link(...names);
      die();
    };
  } else if (at === 'trashed') {
    // Between the two statements that move a file from the ledger to the trash.
    const { database } = app.files.ledger;
    const execute = database.execute.bind(database);
    database.execute = async (statement) => {
      const result = await execute(statement);
      if (/^INSERT.* INTO file_trash/.test(statement.text())) die();
      return result;
    };
  } else crashAt(at);
}

const { place, operation, at, slug, word, size } = JSON.parse(process.env.SCENARIO!) as Scenario;
let storage: FailingStorage | undefined;
const around = (inner: ConstructorParameters<typeof FailingStorage>[0]) => (storage = new FailingStorage(inner));
const open =
  place.orm === 'typeorm' ? (await import('./typeorm.js')).openTypeorm : (await import('./mikro-orm.js')).openMikroOrm;
const app = await open(place, { around });
arm(app, storage, at);
if (operation === 'sweep') await app.files.sweep();
else if (operation === 'delete') await app.remove(slug);
else {
  const file = await app.stage(longText(word, size));
  await (operation === 'insert' ? app.insert(slug, file) : app.replace(slug, file));
}
console.error('still alive');
process.exit(1);
