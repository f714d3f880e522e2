import type { ValueTransformer } from 'typeorm';
import { checkValue } from '../../fields/field.js';
import type { FileFieldOptions } from '../../fields/field-options.js';
import { StoredFile, type StoredFileContext } from '../../file/stored-file.js';

const brand = Symbol.for('filefield.typeorm.file-column');

/**
 * What makes a TypeORM column a file field: its transformer. It carries the field's options in the ORM's own metadata,
 * so there is no second registry that inheritance, schemas and embedded entities would have to be taught.
 */
export class FileColumn implements ValueTransformer {
  constructor(
    readonly options: FileFieldOptions,
    private readonly context?: StoredFileContext,
  ) {
    Object.defineProperty(this, brand, { value: true });
  }

  /** The same column for one data source: files read through it can be opened. */
  attached(context: StoredFileContext): FileColumn {
    return new FileColumn(this.options, context);
  }

  /** The last line of defence: nothing but a stored file reaches SQL, by whatever way it is written. */
  to(value: unknown): unknown {
    // Absent is not null, and a condition such as IsNull() is not a value.
    if (value === undefined || isFindOperator(value)) return value;
    return checkValue(value, this.options)?.toDescriptor() ?? null;
  }

  from(value: unknown): StoredFile | null {
    return StoredFile.parse(value, this.context);
  }
}

export function isFileColumn(transformer: unknown): transformer is FileColumn {
  return typeof transformer === 'object' && transformer !== null && brand in transformer;
}

function isFindOperator(value: unknown): boolean {
  return typeof value === 'object' && value !== null && '@instanceof' in value;
}
