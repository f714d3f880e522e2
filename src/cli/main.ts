#!/usr/bin/env node
import { runCommand } from './run-command.js';

// If the configuration awaits something that never happens, Node exits with this code when nothing is left to do.
process.exitCode = 2;
let finished = false;
process.on('exit', () => {
  if (finished) return;
  process.stderr.write(
    'filefield: The configuration did not finish loading: it waits for something that never happens.\n',
  );
});
// The reader may close the pipe early: `filefield nginx | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

void runCommand(process.argv.slice(2), process).then((code) => {
  finished = true;
  // The configuration may hold connections open, so exit explicitly, but only after all output is written.
  process.stdout.write('', () => process.exit(code));
});
