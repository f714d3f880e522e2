import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { jest } from '@jest/globals';
import { FileEvents } from '../src/events.js';
import { filesFor, Letter } from './support/fields.js';

describe('FileEvents', () => {
  it('emits the events of a file in order, to listeners and on diagnostics channels', async () => {
    const { files } = filesFor();
    const received: string[] = [];
    const onChannel = (_message: unknown, name: string | symbol) => received.push(String(name));
    subscribe('filefield:intended', onChannel);
    subscribe('filefield:stored', onChannel);
    files.on('intended', ({ storage }) => received.push(`intended in ${storage}`));
    files.on('stored', ({ size }) => received.push(`stored ${size}`));
    await files.stage(Letter, 'file', 'abc');
    unsubscribe('filefield:intended', onChannel);
    unsubscribe('filefield:stored', onChannel);
    expect(received).toEqual(['filefield:intended', 'intended in letters', 'filefield:stored', 'stored 3']);
  });

  it('emits fault when a listener throws, and does not affect the caller', async () => {
    const { files } = filesFor();
    const faults: unknown[] = [];
    files.on('stored', () => {
      throw new Error('a bad listener');
    });
    files.on('fault', (error) => faults.push(error));
    expect((await files.stage(Letter, 'file', 'abc')).size).toBe(3);
    expect(faults).toMatchObject([{ message: 'a bad listener' }]);
  });

  it('prints a fault without a listener, and one whose listener throws', () => {
    const printed = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    const events = new FileEvents();
    events.emit('fault', 'no listener');
    events.on('fault', () => {
      throw new Error('worse');
    });
    events.emit('fault', 'with a listener');
    expect(printed.mock.calls.map(([message]) => String(message))).toEqual(['no listener', 'Error: worse']);
    printed.mockRestore();
  });
});
