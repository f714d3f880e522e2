import { parseArgs } from 'node:util';
import { invalidOption } from '../options.js';
import { displayWidth, padded, wrapped, type Terminal } from './terminal.js';

/** An option of a command. */
export interface CommandOption {
  /** Without dashes. */
  readonly name: string;
  /** One letter, for the short form. */
  readonly short?: string;
  /** What its value is, for the help text, such as `file`; a flag has no value. */
  readonly value?: string;
  /** One phrase in lower case, for the help text. */
  readonly description: string;
  /** The value without the option. */
  readonly default?: string;
}

/** Words after the name of a command. */
export interface CommandArgument {
  /** In lower case, for the help text; also its name among the values. */
  readonly name: string;
  readonly required: boolean;
}

/** The values of the options that were given or have a default, in the order of the arguments; `['']` for a flag. */
export type OptionValues = ReadonlyMap<string, readonly string[]>;

/** A command of `filefield`. */
export interface Command {
  readonly name: string;
  /** One phrase in lower case, for the help text. */
  readonly description: string;
  /** What follows the name: several words are several values. */
  readonly argument?: CommandArgument;
  readonly options: readonly CommandOption[];
  /** Resolves to the exit code. */
  readonly run: (values: OptionValues, terminal: Terminal) => Promise<number>;
}

export const helpOption: CommandOption = { name: 'help', short: 'h', description: 'prints this help' };

/**
 * Reads the options of a command, and its argument if it has one. Throws `invalid_option` for an unknown option, a missing
 * value, a value that a flag cannot have, and a word that is neither an option nor the argument.
 */
export function parseOptions(
  args: readonly string[],
  options: readonly CommandOption[],
  argument?: CommandArgument,
): OptionValues {
  const known = [...options, helpOption];
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      known.map(({ name, short, value }) => [
        name,
        { type: value ? ('string' as const) : ('boolean' as const), ...(short && { short }) },
      ]),
    ),
    // parseArgs would throw its own sentences.
    strict: false,
    tokens: true,
  });
  const values = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind === 'positional') {
      if (!argument) throw invalidOption(`too many arguments: "${token.value}" is not an option.`);
      values.set(argument.name, [...(values.get(argument.name) ?? []), token.value]);
      continue;
    }
    if (token.kind === 'option-terminator') continue;
    const option = known.find(({ name }) => name === token.name);
    if (!option)
      throw unknown(
        'option',
        token.rawName,
        known.map(({ name }) => `--${name}`),
      );
    values.set(option.name, [...(values.get(option.name) ?? []), valueOf(option, token)]);
  }
  for (const { name, default: text } of options) {
    if (text !== undefined && !values.has(name)) values.set(name, [text]);
  }
  if (argument?.required && !values.has(argument.name) && !values.has(helpOption.name)) {
    throw invalidOption(`argument missing: give <${argument.name}>.`);
  }
  return values;
}

interface OptionToken {
  readonly rawName: string;
  readonly value?: string | undefined;
  /** True for `--name=value`. */
  readonly inlineValue?: boolean | undefined;
}

function valueOf(option: CommandOption, { rawName, value, inlineValue }: OptionToken): string {
  if (!option.value) {
    if (value === undefined) return '';
    throw invalidOption(`The option "${rawName}" has no value: leave out "${value}".`);
  }
  // The next argument is another option: its own value was forgotten.
  if (value !== undefined && (inlineValue || !value.startsWith('-'))) return value;
  throw invalidOption(`argument missing: give ${rawName} <${option.value}>.`);
}

/** An error for a name that does not exist, with the most similar one that does. */
export function unknown(kind: string, name: string, known: readonly string[]): Error {
  const [closest] = known
    .map((other) => ({ other, distance: distance(name, other) }))
    .filter((one) => one.distance <= 2)
    .sort((a, b) => a.distance - b.distance);
  return invalidOption(`unknown ${kind} '${name}'.${closest ? ` Did you mean ${closest.other}?` : ''}`);
}

/** Levenshtein distance: the fewest insertions, deletions and replacements of a character that lead from one to the other. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_cell, index) => index);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (let column = 1; column <= to.length; column += 1) {
      const replaced = row[column - 1]! + (letter === to[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[column]! + 1, next[column - 1]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}

/** Lines in two columns; `columns` is the width of a line. */
export function columns(rows: readonly (readonly [left: string, right: string])[], width = Infinity): string {
  const first = Math.max(...rows.map(([left]) => displayWidth(left)));
  return rows.map(([left, right]) => `${wrapped(`  ${padded(left, first)}  ${right}`, width, first + 4)}\n`).join('');
}

/** The options of a command as rows of the help text. */
export function optionRows(options: readonly CommandOption[]): (readonly [string, string])[] {
  return options.map(({ name, short, value, description, default: text }) => [
    `${short ? `-${short}, ` : '    '}--${name}${value ? ` <${value}>` : ''}`,
    `${description}${text === undefined ? '' : ` (default: ${text})`}`,
  ]);
}
