import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { isFileFieldError } from '../errors.js';
import type { FrontName } from '../fronts/configuration.js';
import { doctor, type DoctorOptions } from './doctor.js';
import { printConfiguration, type PrintConfigurationOptions } from './print-configuration.js';
import type { Terminal } from './terminal.js';

/** Does what the arguments say and resolves to the exit code: 0, 1 for bad news, 2 where it could not be done at all. */
export async function runCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  let code = 0;
  const program = commands(terminal, (done) => (code = done));
  try {
    await program.parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    // Commander has said what it has to say.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    terminal.stderr.write(`filefield: ${explained(error)}\n`);
    return 2;
  }
}

const servers: Readonly<Record<FrontName, string>> = {
  nginx: 'nginx, with X-Accel-Redirect',
  apache: 'Apache, with mod_xsendfile',
  lighttpd: 'lighttpd, with X-Sendfile',
  caddy: 'Caddy, with file_server',
};

function commands(terminal: Terminal, done: (code: number) => void): Command {
  const program = new Command('filefield')
    .description('Looks after file fields: checks what they need, configures the server in front.')
    .version(version())
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void terminal.stdout.write(text),
      writeErr: (text) => void terminal.stderr.write(text),
    })
    .showHelpAfterError('(filefield --help says what there is)');
  const command = (name: string, description: string) =>
    program
      .command(name)
      .description(description)
      .option('-c, --config <file>', 'the configuration (default: filefield.config.{js,mjs,cjs,ts} in this folder)')
      .allowExcessArguments(false);
  command('doctor', 'runs all checks of the configuration, and one of each storage; 1 if any fails')
    .option('--json', 'for programs')
    .option('--timeout <duration>', 'what takes longer fails', '10s')
    .action(async (options: DoctorOptions) => done(await doctor(options, terminal)));
  for (const [server, description] of Object.entries(servers)) {
    const printing = command(
      server,
      `prints the configuration of ${description}, for the storages that have a folder here`,
    )
      .option('--listen <address>', 'where clients connect', '8080')
      .option('--upstream <url>', 'where the program listens', 'http://127.0.0.1:3000')
      .option('--server-name <host>', 'the host name to answer to (default: every name)')
      .option('--standalone <folder>', 'a whole configuration that runs from this folder, to try it')
      .action(async (options: PrintConfigurationOptions) =>
        done(await printConfiguration(server as FrontName, options, terminal)),
      );
    if (server === 'nginx') printing.option('--remote <url=prefix...>', 'a bucket that it fetches from by signed URLs');
  }
  return program;
}

function version(): string {
  const manifest = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

/** Our own errors are sentences; where somebody else's code failed, the place in it is worth more. */
function explained(error: unknown): string {
  if (!isFileFieldError(error)) return error instanceof Error ? (error.stack ?? error.message) : String(error);
  const { message, cause } = error;
  if (cause === undefined) return message;
  return `${message}\n${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}`;
}
