import type { ValueTransformer } from 'typeorm';
import { checkValue } from '../../fields/field.js';
import type { FileFieldOptions } from '../../fields/field-options.js';
import { StoredFile, type StoredFileContext } from '../../file/stored-file.js';
import { isFindOperator } from './internals.js';

const brand = Symbol.for('filefield.typeorm.file-column');

/**
 * The transformer that makes a TypeORM column a file field. It carries the field's options in the ORM's own metadata, so
 * inheritance, entity schemas and embedded entities need no registry of their own.
 */
export class FileColumn implements ValueTransformer {
  readonly #context: StoredFileContext;

  constructor(
    readonly options: FileFieldOptions,
    context?: StoredFileContext,
  ) {
    this.#context = { ...context, acceptedBy: options };
    Object.defineProperty(this, brand, { value: true });
  }

  /** The same column for one data source: files that are read through it can be opened. */
  attached(context: StoredFileContext): FileColumn {
    return new FileColumn(this.options, context);
  }

  /** Only a stored file reaches SQL, however it is written. */
  to(value: unknown): unknown {
    // `undefined` is not null, and a condition such as IsNull() is not a value.
    if (value === undefined || isFindOperator(value)) return value;
    return checkValue(value, this.options)?.toDescriptor() ?? null;
  }

  from(value: unknown): StoredFile | null {
    return StoredFile.parse(value, this.#context);
  }
}

export function isFileColumn(transformer: unknown): transformer is FileColumn {
  return typeof transformer === 'object' && transformer !== null && brand in transformer;
}
