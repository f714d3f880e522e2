#!/usr/bin/env node
import { runCommand } from './run-command.js';

// Should a configuration wait for something that never comes, Node ends here, with nothing done.
process.exitCode = 2;
let ended = false;
process.on('exit', () => {
  if (!ended) process.stderr.write('filefield: it ended before it was done: the configuration waits for something.\n');
});
// Whoever reads may have enough: `filefield nginx | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

void runCommand(process.argv.slice(2), process).then((code) => {
  ended = true;
  // The configuration may hold connections open; all that was said must be out before.
  process.stdout.write('', () => process.exit(code));
});
