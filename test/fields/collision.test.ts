import { filesFor, Letter } from '../support/fields.js';

/** Files whose first fresh keys are in the ledger already. */
function withTaken(times: number) {
  const made = filesFor();
  const execute = made.ledger.execute.bind(made.ledger);
  let left = times;
  made.ledger.execute = async (statement) => {
    const result = await execute(statement);
    return /^INSERT/.test(statement.text()) && left-- > 0 ? { ...result, affected: 0 } : result;
  };
  return made;
}

describe('a fresh key that is taken', () => {
  it('is replaced by another one, twice at most', async () => {
    const { files, memory } = withTaken(2);
    await files.stage(Letter, 'file', 'third time lucky');
    expect(memory.keys).toHaveLength(1);
  });

  it('is an error after that, before any byte is written', async () => {
    const { files, memory } = withTaken(3);
    await expect(files.stage(Letter, 'file', 'x')).rejects.toMatchObject({ code: 'already_exists' });
    expect(memory.keys).toEqual([]);
  });
});
