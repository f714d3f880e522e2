import { frontConfiguration, type FrontName, type FrontSetup, type SendfileFrontName } from 'filefield';
import type { Front } from '../../src/fronts/front.js';
import { frontNames, fronts, instructionHeaders } from '../../src/fronts/fronts.js';

const setup: FrontSetup = {
  places: [{ folder: '/srv/var/documents', prefix: '/_filefield/documents' }],
  upstream: 'http://127.0.0.1:3000',
  listen: '8080',
};

describe('fronts', () => {
  it.each(frontNames)('lists %s under its own name', (name) => expect(fronts[name].name).toBe(name));

  it.each(frontNames)('declares the header of %s among its instructions', (name) => {
    const front: Front = fronts[name];
    expect(front.instructions.map((header) => header.toLowerCase())).toContain(front.header);
  });

  it.each(frontNames)('names in the configuration of %s every instruction of the other fronts', (name) => {
    const front: Front = fronts[name];
    const text = frontConfiguration(name, setup);
    const others = instructionHeaders.filter((header) => !front.instructions.includes(header));
    expect(others.filter((header) => !text.includes(header))).toEqual([]);
  });

  it.each(frontNames)('has sentences for %s that start with the name of the server and contain no path', (name) => {
    const front: Front = fronts[name];
    for (const sentence of Object.values(front.sentences)) {
      expect(sentence.toLowerCase().startsWith(name)).toBe(true);
      expect(sentence).not.toMatch(/(^|\s)\/\w/);
    }
  });

  it('derives the names of the fronts that read X-Sendfile from their headers', () => {
    const sendfile: Record<SendfileFrontName, true> = { apache: true, lighttpd: true };
    const names: readonly FrontName[] = frontNames.filter((name) => fronts[name].header === 'x-sendfile');
    expect(names).toEqual(Object.keys(sendfile));
  });
});
