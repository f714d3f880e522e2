import { objectView, type EntityRef, type Files, type StoredFile } from 'filefield';
import { runView } from 'filefield/testing';

/** A row with a column of each kind. */
export interface Sample {
  id: number;
  day: string;
  moment: Date;
  amount: string;
  ratio: number;
  flag: boolean;
  colour: string;
  small: number;
  key: string;
  file: StoredFile | null;
}

export const sample = {
  day: '2026-02-28',
  moment: new Date('2026-02-28T12:34:56Z'),
  amount: '12.50',
  ratio: 0.5,
  flag: true,
  colour: 'dark red',
  small: 7,
  key: '0b0bb0b0-1111-4222-8333-abcdefabcdef',
} as const;

/** What each column is found by. */
const found: Readonly<Record<keyof typeof sample, readonly string[]>> = {
  day: ['2026-02-28'],
  moment: ['2026-02-28T12:34:56Z', '2026-02-28T13:34:56.000+01:00'],
  amount: ['12.50', '12.5'],
  ratio: ['0.5'],
  flag: ['true'],
  colour: ['dark red'],
  small: ['7'],
  key: ['0b0bb0b0-1111-4222-8333-abcdefabcdef', '0B0BB0B0-1111-4222-8333-ABCDEFABCDEF'],
};

/** Values that no column can have, those of other columns, and words that a database reads as values. */
const strange = [
  ...Object.values(found).flat(),
  ...['', ' ', '%', "'", 'x', 'null', 'NaN', 'Infinity', '1e400', '1e-400', '0x7', '+7', '07', '7.0', '-0', '7 '],
  ...['32768', '-32769', '2147483648', '99999999999999999999', '9'.repeat(400), '1'.repeat(18) + '.5'],
  ...['today', 'yesterday', 'now', 'infinity', 'epoch', 'allballs', '2026-02-30', '2026-13-01', '0000-01-01'],
  ...['99999-01-01', '2026-02-28 12:34', '2026-02-28T25:00:00Z', '2026-02-28T12:34:56+99:99', '10000-01-01T00:00:00Z'],
  ...[
    't',
    'f',
    'yes',
    'on',
    '1',
    '0',
    'TRUE',
    'green',
    'Dark Red',
    'red\u0000',
    'red\ud800',
    '{0b0bb0b0111142228333abcdefabcdef}',
  ],
  ...['0b0bb0b0111142228333abcdefabcdef', '[1]', '{}', '(1,2)', 'é', '🎉', '\\', '\u202e'],
];

/** A value from a URL finds the row that has it, or none: it is never an error of the database. */
export function columnValueClaims(
  open: () => Promise<{ readonly files: Files; readonly entity: EntityRef<Sample> }>,
): void {
  let files: Files;
  let entity: EntityRef<Sample>;
  beforeAll(async () => void ({ files, entity } = await open()));

  it.each(Object.keys(found) as (keyof typeof sample)[])('in the column %s', async (column) => {
    const view = objectView(files, entity, { field: 'file', slugField: column });
    const status = async (text: string) => (await runView(view, { params: { [column]: text } })).status;
    for (const text of found[column]) expect([text, await status(text)]).toEqual([text, 200]);
    for (const text of strange) {
      if (!found[column].includes(text)) expect([text, [200, 404].includes(await status(text))]).toEqual([text, true]);
    }
  });
}
