import { setTimeout as delay } from 'node:timers/promises';
import { filesFor } from '../support/fields.js';

describe('sweepEvery', () => {
  it('sweeps until it is stopped', async () => {
    const { files, ledger } = filesFor();
    const stop = files.sweepEvery('10 ms');
    await delay(100);
    stop();
    const sent = ledger.statements.length;
    expect(sent).toBeGreaterThanOrEqual(2 * 3);
    await delay(60);
    expect(ledger.statements.length - sent).toBeLessThanOrEqual(3);
  });

  it('tells of a failure and goes on', async () => {
    const { files, ledger } = filesFor();
    const faults: unknown[] = [];
    files.on('fault', (error) => faults.push(error));
    ledger.execute = () => Promise.reject(new Error('the database is down'));
    const stop = files.sweepEvery(5);
    await delay(100);
    stop();
    expect(faults.length).toBeGreaterThanOrEqual(2);
    expect(faults[0]).toMatchObject({ message: 'the database is down' });
  });
});
