// Prepares the release of the version in package.json: checks the tree, the changelog and the tags, runs all checks of
// code and package, and prints the commands that publish it. It changes and publishes nothing.
//
//   npm run release                  all checks
//   npm run release -- --dry-run     lists what is missing and the commands that would run
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const dryRun = process.argv.includes('--dry-run');
const { name, version } = JSON.parse(readFileSync('package.json', 'utf8'));
const tag = `v${version}`;
const git = (...args) => execFileSync('git', args, { encoding: 'utf8' }).trim();

/** The section of this version in CHANGELOG.md; undefined if there is none. */
function changes() {
  const sections = readFileSync('CHANGELOG.md', 'utf8').split(/^## /m);
  const section = sections.find((text) => text.split(/\s/, 1)[0] === version);
  return section?.replace(/^.*\n/, '').trim();
}

const missing = [
  git('status', '--porcelain') !== '' && 'Commit or revert the changes that "git status" lists.',
  !changes() && `Describe the changes under the heading "## ${version}" of CHANGELOG.md.`,
  git('tag', '--list', tag) !== '' && `Raise the version in package.json: the tag ${tag} already exists.`,
].filter(Boolean);
for (const text of missing) console.error(`- ${text}`);
if (missing.length > 0 && !dryRun) process.exit(1);

for (const command of ['npm ci', 'npm run check', 'npm run build', 'npm run check:package', 'npm test']) {
  console.log(`${dryRun ? 'would run' : 'running'}: ${command}`);
  if (dryRun) continue;
  const { status } = spawnSync(command, { stdio: 'inherit', shell: true });
  if (status !== 0) {
    console.error(`${command} failed; nothing was released.`);
    process.exit(1);
  }
}

console.log(`
To release ${name} ${version}, after ".ci/run" has passed:

  git tag --annotate ${tag} --message "${name} ${version}"
  git push origin ${tag}
  npm publish
`);
