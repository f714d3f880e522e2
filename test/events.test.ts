import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { jest } from '@jest/globals';
import { FileEvents } from '../src/events.js';
import { filesFor, Letter } from './support/fields.js';

describe('events', () => {
  it('tell the life of a file in order, to listeners and on diagnostics channels', async () => {
    const { files } = filesFor();
    const heard: string[] = [];
    const onChannel = (_message: unknown, name: string | symbol) => heard.push(String(name));
    subscribe('filefield:intended', onChannel);
    subscribe('filefield:stored', onChannel);
    files.on('intended', ({ storage }) => heard.push(`intended in ${storage}`));
    files.on('stored', ({ size }) => heard.push(`stored ${size}`));
    await files.stage(Letter, 'file', 'abc');
    unsubscribe('filefield:intended', onChannel);
    unsubscribe('filefield:stored', onChannel);
    expect(heard).toEqual(['filefield:intended', 'intended in letters', 'filefield:stored', 'stored 3']);
  });

  it('make a fault of a listener that throws, and harm nobody', async () => {
    const { files } = filesFor();
    const faults: unknown[] = [];
    files.on('stored', () => {
      throw new Error('a bad listener');
    });
    files.on('fault', (error) => faults.push(error));
    expect((await files.stage(Letter, 'file', 'abc')).size).toBe(3);
    expect(faults).toMatchObject([{ message: 'a bad listener' }]);
  });

  it('print a fault that nobody listens to, and one whose listener throws', () => {
    const printed = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    const events = new FileEvents();
    events.emit('fault', 'unheard');
    events.on('fault', () => {
      throw new Error('worse');
    });
    events.emit('fault', 'heard');
    expect(printed.mock.calls.map(([told]) => String(told))).toEqual(['unheard', 'Error: worse']);
    printed.mockRestore();
  });
});
