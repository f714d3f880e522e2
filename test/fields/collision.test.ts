import { filesFor, Letter } from '../support/fields.js';

/** Files whose first generated keys are already in the ledger. */
function filesWithTakenKeys(times: number) {
  const site = filesFor();
  const execute = site.ledger.execute.bind(site.ledger);
  let remaining = times;
  site.ledger.execute = async (statement) => {
    const result = await execute(statement);
    return /^INSERT/.test(statement.text()) && remaining-- > 0 ? { ...result, affected: 0 } : result;
  };
  return site;
}

describe('a generated key that is already taken', () => {
  it('is replaced by another key up to two times', async () => {
    const { files, memory } = filesWithTakenKeys(2);
    await files.stage(Letter, 'file', 'third time lucky');
    expect(memory.keys).toHaveLength(1);
  });

  it('causes already_exists the third time, before any byte is written', async () => {
    const { files, memory } = filesWithTakenKeys(3);
    await expect(files.stage(Letter, 'file', 'x')).rejects.toMatchObject({ code: 'already_exists' });
    expect(memory.keys).toEqual([]);
  });
});
