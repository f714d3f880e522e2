import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Group } from '../lib/compare.js';

const options = ['pack', '--dry-run', '--json', '--ignore-scripts'];

/** The size of the package as npm publishes it. */
export const sizeGroup: Group = {
  name: 'size',
  title: 'The packed package',
  rounds: 1,
  open: async () => {
    const sample = async () => {
      const { stdout } = await promisify(execFile)('npm', options, { maxBuffer: 2 ** 26 });
      const [{ size }] = JSON.parse(stdout) as [{ size: number }];
      return { cost: size / 1000 };
    };
    const ours = { name: 'package', warm: async () => undefined, sample };
    const row = {
      name: 'size/packed',
      unit: 'kB',
      limit: 250,
      ours,
      note: 'the tarball: JavaScript, types, the readme and the list of changes',
    };
    return { rows: [row], close: async () => undefined };
  },
};
