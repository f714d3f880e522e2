import { Column, type EntitySchemaColumnOptions } from 'typeorm';
import type { FileFieldOptions } from '../../fields/field-options.js';
import type { StoredFile } from '../../file/stored-file.js';
import { FileColumn } from './file-column.js';

/**
 * A decorator that makes a property a file field: the file is saved with the row, gone with the row, undone by a
 * rollback. The column is JSON. It compiles on properties of the type `StoredFile | null` only.
 *
 * @example
 * ```ts
 * import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
 * import { FileField, type StoredFile } from 'filefield/typeorm';
 *
 * @Entity()
 * class Document {
 *   @PrimaryGeneratedColumn() id!: number;
 *   @Column('varchar', { unique: true }) slug!: string;
 *   @FileField({ storage: 'documents', accept: ['application/pdf'], maxSize: '20 MB' }) file!: StoredFile | null;
 * }
 * ```
 */
export function FileField(options: FileFieldOptions) {
  return <Name extends string, Target extends { [Property in Name]?: StoredFile | null }>(
    target: Target,
    property: Name,
  ): void => {
    Column(fileColumn(options))(target, property);
  };
}

/** The same as a column of an `EntitySchema`: `columns: { file: fileColumn({ storage: 'documents' }) }`. */
export function fileColumn(options: FileFieldOptions): EntitySchemaColumnOptions & { type: 'json' } {
  return {
    type: 'json',
    nullable: options.nullable ?? true,
    transformer: new FileColumn(options),
    ...(options.column && { name: options.column }),
  };
}
