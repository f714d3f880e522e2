import { profileOf, type Profile } from './profile.js';
import type { Program } from './program.js';
import { shuffled, spreadOf, type Spread } from './statistics.js';

export interface Settings {
  readonly quick: boolean;
  /** Whether each side is asked where its time goes. */
  readonly profile: boolean;
  readonly rounds: number;
  /** Of one run, where a run has no end of its own. */
  readonly seconds: number;
}

/** One run. */
export interface Sample {
  /** In the unit of the row: what one request, file or row costs. Less is better. */
  readonly cost: number;
  /** Per second. */
  readonly rate?: number;
}

/** What a row compares: something of this library, or what others use in its place. */
export interface Side {
  readonly name: string;
  /** What is measured, if it is a program that stays. */
  readonly program?: Program;
  /** Runs that do not count. */
  warm(): Promise<unknown>;
  sample(): Promise<Sample>;
  /** What a cost is made of, where there is no program that stays. */
  partsOf?(cost: number): Promise<Profile>;
}

/** One figure. */
export interface Row {
  /** Starts with the name of the group. */
  readonly name: string;
  /** Of the cost. */
  readonly unit: string;
  /** Of the rate; none if a rate says nothing. */
  readonly rateUnit?: string;
  readonly ours: Side;
  readonly peer?: Side;
  /** The least ratio that is good enough. */
  readonly target?: number;
  /** The highest cost that is good enough, whatever that of the other side is. */
  readonly limit?: number;
  /** What the other side leaves out, or does besides. */
  readonly note: string;
}

/** Rows that need the same programs. */
export interface Group {
  readonly name: string;
  readonly title: string;
  /** If its runs are long: the most rounds. With `--quick` a third of them. */
  readonly rounds?: number;
  /** Whether `--quick`, which has two minutes, leaves it out unless it is named. */
  readonly onlyNamed?: boolean;
  /** No rows if something is not installed or does not answer. */
  open(settings: Settings): Promise<OpenGroup>;
}

export interface OpenGroup {
  readonly rows: readonly Row[];
  close(): Promise<unknown>;
}

export interface Measured {
  readonly cost: Spread;
  readonly rate?: Spread;
  readonly profile?: Profile;
}

export interface Result {
  readonly name: string;
  readonly unit: string;
  readonly rateUnit?: string;
  readonly rounds: number;
  readonly ours: Measured;
  readonly peer?: Measured & { readonly name: string };
  /** The cost of the peer by ours, of each round: over 1, ours is cheaper. None beside a limit. */
  readonly ratio?: Spread;
  readonly target?: number;
  readonly limit?: number;
  readonly note: string;
}

/**
 * Measures all rows: in each round every side once, in a random order. Sides of one row follow each other closely, since
 * what else the machine does changes from minute to minute.
 */
export async function measure(rows: readonly Row[], { rounds, profile }: Settings): Promise<readonly Result[]> {
  const families = familiesOf(rows);
  const samples = new Map<Side, Sample[]>();
  for (const side of shuffled(families.flat())) {
    samples.set(side, []);
    await side.warm();
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const family of shuffled(families)) {
      for (const side of shuffled(family)) samples.get(side)!.push(await side.sample());
    }
  }
  const measured = new Map([...samples].map(([side, some]) => [side, measuredOf(some)]));
  for (const [side, of] of profile ? measured : []) {
    const found = await profileOf(side, of);
    if (found) measured.set(side, { ...of, profile: found });
  }
  return rows.map((row) => resultOf(row, samples, measured));
}

/** Sides that are compared with each other, directly or not. */
function familiesOf(rows: readonly Row[]): readonly (readonly Side[])[] {
  let families: ReadonlySet<Side>[] = [];
  for (const { ours, peer } of rows) {
    const sides = peer ? [ours, peer] : [ours];
    const joined = families.filter((family) => sides.some((side) => family.has(side)));
    families = families.filter((family) => !joined.includes(family));
    families.push(new Set([...joined.flatMap((family) => [...family]), ...sides]));
  }
  return families.map((family) => [...family]);
}

function resultOf(
  row: Row,
  samples: ReadonlyMap<Side, readonly Sample[]>,
  measured: ReadonlyMap<Side, Measured>,
): Result {
  const { name, unit, rateUnit, target, limit, note, ours, peer } = row;
  const [mine, theirs] = [samples.get(ours)!, peer && samples.get(peer)!];
  return {
    ...{ name, unit, rateUnit, rounds: mine.length, ours: measured.get(ours)! },
    ...(theirs && {
      peer: { name: peer!.name, ...measured.get(peer!)! },
      ...(limit === undefined && { ratio: spreadOf(theirs.map(({ cost }, round) => cost / mine[round]!.cost)) }),
    }),
    ...{ target, limit, note },
  };
}

function measuredOf(samples: readonly Sample[]): Measured {
  const rates = samples.flatMap(({ rate }) => (rate === undefined ? [] : [rate]));
  return {
    cost: spreadOf(samples.map(({ cost }) => cost)),
    ...(rates.length > 0 && { rate: spreadOf(rates) }),
  };
}

/** True if the figure is as good as it should be; undefined without a target. */
export function isMet({ ratio, ours, target, limit }: Result): boolean | undefined {
  if (limit !== undefined) return ours.cost.median <= limit;
  return target === undefined ? undefined : ratio!.median >= target;
}
