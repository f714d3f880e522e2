import { reapers } from './accidents/reapers.js';
import { rollbacks } from './accidents/rollbacks.js';
import { rowsAndBytes } from './accidents/rows-and-bytes.js';
import { serving } from './accidents/serving.js';
import { uploads } from './accidents/uploads.js';

/** A public failure of a project that keeps or serves files. */
export interface Accident {
  readonly title: string;
  readonly project: string;
  /** The year of the report, if it is known. */
  readonly year?: number;
  /** The public thread or advisory. */
  readonly link: string;
  /** What happened, and to whom. */
  readonly story: string;
  /** What happens here instead. */
  readonly here: string;
  /** It happens here too. */
  readonly open?: true;
}

/** Accidents of one kind by their names, and the heading of the kind. */
export interface Kind {
  readonly heading: string;
  readonly accidents: Readonly<Record<string, Accident>>;
}

export const kinds: readonly Kind[] = [rowsAndBytes, rollbacks, reapers, uploads, serving];

/** All accidents by name. */
export const accidents: ReadonlyMap<string, Accident> = new Map(
  kinds.flatMap((kind) => Object.entries(kind.accidents)),
);

type Replays = (name: string, replay: () => Promise<void>) => void;

/** Declares the test that replays an accident of the table. */
export const accident: Replays & { readonly failing: Replays } = Object.assign(declare(it), {
  /** For an accident that happens here too. */
  failing: declare(it.failing),
});

function declare(test: (title: string, run: () => Promise<void>) => void): Replays {
  return (name, replay) => {
    const found = accidents.get(name);
    if (!found) throw new Error(`The table has no accident "${name}".`);
    test(`${name}: ${found.title} (${found.link})`, replay);
  };
}
