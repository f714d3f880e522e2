/**
 * A piece of SQL with the values of its parameters. Text and values are kept apart until a connection runs it, so a value
 * never becomes SQL, and a question mark in a quoted name never becomes a parameter.
 */
export class Sql {
  constructor(
    private readonly strings: readonly string[],
    readonly values: readonly unknown[],
  ) {}

  /** The text for a driver; `placeholder` gives the parameter of an index from 0. */
  text(placeholder: (index: number) => string = () => '?'): string {
    let text = this.strings[0] ?? '';
    for (let index = 1; index < this.strings.length; index += 1) text += placeholder(index - 1) + this.strings[index]!;
    return text;
  }

  /** The text of SQL without parameters, for migrations and triggers. */
  get literal(): string {
    if (this.values.length > 0) throw new TypeError('SQL with parameters has no literal text.');
    return this.strings[0] ?? '';
  }

  /** The strings between the parameters, to build larger pieces of SQL. */
  get parts(): readonly string[] {
    return this.strings;
  }
}

/** Builds SQL: pieces of SQL are inserted as they are, every other value becomes a parameter. */
export function sql(strings: readonly string[], ...inserted: readonly unknown[]): Sql {
  const texts = [strings[0] ?? ''];
  const values: unknown[] = [];
  for (let index = 0; index < inserted.length; index += 1) {
    const value = inserted[index];
    if (value instanceof Sql) {
      const { parts } = value;
      texts[texts.length - 1] += parts[0] ?? '';
      for (let at = 1; at < parts.length; at += 1) texts.push(parts[at]!);
      values.push(...value.values);
    } else {
      texts.push('');
      values.push(value);
    }
    texts[texts.length - 1] += strings[index + 1] ?? '';
  }
  return new Sql(texts, values);
}

/** SQL without parameters, such as a quoted name. The text must come from the program. */
export function raw(text: string): Sql {
  return new Sql([text], []);
}

/** Pieces of SQL with a separator between them. */
export function join(pieces: readonly Sql[], separator: string): Sql {
  const strings = ['', ...pieces.map((_, index) => (index < pieces.length - 1 ? separator : ''))];
  return sql(strings, ...pieces);
}

/** True if one of the conditions is. In halves, since SQLite limits the depth of an expression to 1000. */
export function any(conditions: readonly Sql[]): Sql {
  if (conditions.length <= 8) return sql`(${join(conditions, ' OR ')})`;
  const middle = Math.floor(conditions.length / 2);
  return sql`(${any(conditions.slice(0, middle))} OR ${any(conditions.slice(middle))})`;
}

/** Values as the parameters of an IN list, without the parentheses. */
export function list(values: readonly unknown[]): Sql {
  return new Sql(['', ...values.map((_, index) => (index < values.length - 1 ? ', ' : ''))], values);
}

/** True if a parameter is bytes, which a driver must not write into the text of the statement. */
export function hasBytes({ values }: Sql): boolean {
  return values.some((value) => value instanceof Uint8Array);
}
