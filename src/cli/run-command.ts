import { readFileSync } from 'node:fs';
import { isFileFieldError } from '../errors.js';
import { fronts } from '../fronts/fronts.js';
import { adoptCommand } from './adopt-command.js';
import { columns, helpOption, optionRows, parseOptions, unknown, type Command } from './command.js';
import { doctorCommand } from './doctor.js';
import { filesCommands } from './files-commands.js';
import { moveCommand } from './move-command.js';
import { configurationCommand } from './print-configuration.js';
import { storageCommands } from './storage-commands.js';
import { lineWidth, wrapped, type Terminal } from './terminal.js';

const commands: readonly Command[] = [
  doctorCommand,
  ...filesCommands,
  moveCommand,
  adoptCommand,
  ...storageCommands,
  ...Object.values(fronts).map(configurationCommand),
];

/**
 * Runs the command that the arguments name. Resolves to the exit code: 0 for success, 1 if a check failed, 2 if the command
 * could not be run; a sentence on stderr then says why. Never rejects.
 */
export async function runCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const [name, ...rest] = args;
    if (name === undefined) return usage('stderr', terminal);
    if (name === '--help' || name === '-h' || name === 'help') {
      return rest[0] === undefined ? usage('stdout', terminal) : commandUsage(find(rest[0]), terminal);
    }
    if (name === '--version' || name === '-V') {
      terminal.stdout.write(`${version()}\n`);
      return 0;
    }
    if (name.startsWith('-')) throw unknown('option', name, ['--help', '--version']);
    const command = find(name);
    const values = parseOptions(rest, command.options, command.argument);
    return values.has(helpOption.name) ? commandUsage(command, terminal) : await command.run(values, terminal);
  } catch (error) {
    terminal.stderr.write(`filefield: ${errorText(error)}\n`);
    return 2;
  }
}

function find(name: string): Command {
  const command = commands.find((one) => one.name === name);
  if (command) return command;
  throw unknown(
    'command',
    name,
    commands.map((one) => one.name),
  );
}

function usage(output: 'stdout' | 'stderr', terminal: Terminal): number {
  const width = lineWidth(terminal);
  terminal[output].write(`Usage: filefield <command> [options]

Checks storages, views and deliveries, deletes what no row has, and prints the configuration of a server in front.

Commands:
${columns(
  commands.map(({ name, description }) => [name, description]),
  width,
)}
Options:
${columns(
  [
    ['-V, --version', 'prints the version'],
    ['-h, --help [command]', 'prints this help, or the options of a command'],
  ],
  width,
)}`);
  return output === 'stdout' ? 0 : 2;
}

function commandUsage({ name, description, argument, options }: Command, terminal: Terminal): number {
  const word = argument ? (argument.required ? ` <${argument.name}>` : ` [${argument.name} …]`) : '';
  terminal.stdout.write(`Usage: filefield ${name}${word} [options]

${wrapped(`${description[0]!.toUpperCase()}${description.slice(1)}.`, lineWidth(terminal))}

Options:
${columns(optionRows([...options, helpOption]), lineWidth(terminal))}`);
  return 0;
}

function version(): string {
  const manifest = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

/** The sentence of an error of this library, with the stack of its cause; for other errors, their stack. */
function errorText(error: unknown): string {
  if (!isFileFieldError(error)) return stackOf(error);
  return error.cause === undefined ? error.message : `${error.message}\n${stackOf(error.cause)}`;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
