import { readFileSync } from 'node:fs';
import { frontConfiguration } from 'filefield';
import { frontNames } from '../../src/fronts/fronts.js';

const text = readFileSync('docs/proxies.md', 'utf8');

describe('docs/proxies.md', () => {
  it.each(frontNames)('contains the configuration that is printed for %s', (server) => {
    const [, shown] = new RegExp(`^\`\`\`${server}\n([^]*?)^\`\`\`$`, 'm').exec(text) ?? [];
    expect(shown).toBe(
      frontConfiguration(server, {
        places: [{ folder: '/srv/var/documents', prefix: '/_filefield/documents' }],
        upstream: 'http://127.0.0.1:3000',
        listen: '80',
        serverName: 'files.example',
      }),
    );
  });
});
