import { setTimeout as delay } from 'node:timers/promises';
import { isFileFieldError, type SweepOptions } from 'filefield';
import { filesFor } from '../support/fields.js';

/** A sweep that finds nothing to do. */
const statementsOfASweep = 8;

/** Resolves once the condition holds; otherwise Jest's own time-out ends the test. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(2);
}

describe('sweepEvery', () => {
  it('sweeps repeatedly until it is stopped', async () => {
    const { files, ledger } = filesFor();
    const stop = files.sweepEvery('5 ms');
    await until(() => ledger.statements.length >= 3 * statementsOfASweep);
    await stop();
    const sent = ledger.statements.length;
    await delay(50);
    expect(ledger.statements.length).toBe(sent);
  });

  it('emits fault for a failed sweep and continues', async () => {
    const { files, ledger } = filesFor();
    const faults: unknown[] = [];
    files.on('fault', (error) => void faults.push(error));
    ledger.execute = () => Promise.reject(new Error('the database is down'));
    const stop = files.sweepEvery(2);
    await until(() => faults.length >= 2);
    await stop();
    expect(faults[0]).toMatchObject({ message: 'the database is down' });
  });

  it('waits for the current sweep when it is stopped', async () => {
    const { files, ledger } = filesFor();
    const { execute } = ledger;
    let release: (() => void) | undefined;
    ledger.execute = async (statement) => {
      await new Promise<void>((resolve) => (release = resolve));
      return execute.call(ledger, statement);
    };
    const stop = files.sweepEvery(1);
    await until(() => release !== undefined);
    let stopped = false;
    const stopping = stop().then(() => (stopped = true));
    await delay(20);
    expect(stopped).toBe(false);
    ledger.execute = execute;
    release!();
    await stopping;
    expect(ledger.statements.length).toBe(statementsOfASweep);
  });

  it('does not sweep at once when the interval is longer than the longest timer of Node', async () => {
    const { files, ledger } = filesFor();
    const stop = files.sweepEvery('30d');
    await delay(30);
    await stop();
    expect(ledger.statements).toEqual([]);
  });

  it.each(['0s', 0, -1, 'soon', NaN, undefined])('refuses the interval %p', (interval) => {
    const { files } = filesFor();
    expect(() => files.sweepEvery(interval as '5m')).toThrow(/"interval" must be a duration/);
  });
});

describe('sweep', () => {
  it.each([0, -1, 1.5, NaN, '', 1001])('refuses a batch of %p, which would never end', async (batch) => {
    const { files } = filesFor();
    const error: unknown = await files.sweep({ batch } as SweepOptions).catch((thrown: unknown) => thrown);
    expect(isFileFieldError(error, 'invalid_option')).toBe(true);
    expect(String(error)).toContain('"batch"');
  });
});

describe('reconcile', () => {
  it.each([0, NaN, 70_000])('refuses a batch of %p, which would report nothing', async (batch) => {
    const { files } = filesFor();
    await expect(files.reconcile({ batch })).rejects.toMatchObject({ code: 'invalid_option' });
  });
});
