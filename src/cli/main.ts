#!/usr/bin/env node
import { runCommand } from './run-command.js';

let finished = false;
let idle = false;
const failed = (text: string) => process.stderr.write(`filefield: ${text}\n`);

// Nothing is left to do: if the command is not done by then, it waits for something that never happens.
process.on('beforeExit', () => (idle = true));
process.on('exit', () => {
  if (finished) return;
  process.exitCode = 2;
  failed(
    idle
      ? 'The configuration did not finish loading: it waits for something that never happens.'
      : 'The process was ended by process.exit() before the command was done: the configuration, and what it imports, must not call it.',
  );
});
// The configuration may throw later, in a timer or in a promise that nobody waits for.
process.on('uncaughtException', (error: unknown) => {
  if (finished) return;
  finished = true;
  failed(
    `An error was thrown that nothing handles.\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
  process.exit(2);
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
