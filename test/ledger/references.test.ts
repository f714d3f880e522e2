import { ownerKey, rowExists } from '../../src/ledger/file-reference.js';

const table = { table: '"scan"', column: '"file"', owner: 'scan', slot: 'file' };

describe('the condition that a row exists', () => {
  it('compares each part of the key', () => {
    const one = rowExists({ ...table, keys: ['"id"'] }, [7]);
    expect([one?.text(), one?.values]).toEqual(['EXISTS (SELECT 1 FROM "scan" WHERE "id" = ?)', [7]]);
    const two = rowExists({ ...table, keys: ['"tenant"', '"id"'] }, ['x', 7n]);
    expect([two?.text(), two?.values]).toEqual([
      'EXISTS (SELECT 1 FROM "scan" WHERE "tenant" = ? AND "id" = ?)',
      ['x', 7n],
    ]);
  });

  it.each([
    ['a date', [new Date(0)]],
    ['bytes', [Buffer.from('x')]],
    ['an object', [{ id: 1 }]],
    ['a truth value', [true]],
    ['null', [null]],
    ['undefined', [undefined]],
  ])('is left out for %s, which drivers and databases write in different ways', (_, key) => {
    expect(rowExists({ ...table, keys: ['"id"'] }, key)).toBeUndefined();
  });

  it('is left out if one part of several is not plain, or a part is missing, or the columns are not known', () => {
    const keys = ['"tenant"', '"id"'];
    expect(rowExists({ ...table, keys }, ['x', new Date(0)])).toBeUndefined();
    expect(rowExists({ ...table, keys }, [new Date(0), 'x'])).toBeUndefined();
    expect(rowExists({ ...table, keys }, ['x'])).toBeUndefined();
    expect(rowExists(table, ['x'])).toBeUndefined();
  });
});

describe('the text of a primary key in the ledger', () => {
  it.each([
    [[7], '7'],
    [['x'], 'x'],
    [[7, 'x'], '["7","x"]'],
    [[7n, 'a "b"'], '["7","a \\"b\\""]'],
  ])('of %p is %p, as a trigger writes it', (key, text) => {
    expect(ownerKey(key)).toBe(text);
  });
});
