import { Column, type EntitySchemaColumnOptions } from 'typeorm';
import type { DecoratedName, FileFieldOptions } from '../../fields/field-options.js';
import { FileColumn } from './file-column.js';

/**
 * A decorator that makes a property a file field: the file is saved with the row, deleted with the row, and undone by a
 * rollback. The column is of type json. It compiles only on properties of the type `StoredFile | null`, or
 * `StoredFile` with `nullable: false`.
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
export function FileField<const Nullable extends boolean = true>(options: FileFieldOptions<Nullable>) {
  return <Target extends object, Name extends string>(
    target: Target,
    property: Name & DecoratedName<Target, Name, Nullable>,
  ): void => {
    Column(fileColumn(options))(target, property);
  };
}

/** A column of an `EntitySchema` that is a file field. */
export interface FileColumnOptions extends EntitySchemaColumnOptions {
  /** The database type. */
  type: 'json';
}

/**
 * The same as a column of an `EntitySchema`.
 *
 * @example
 * ```ts
 * import type { StoredFile } from 'filefield';
 * import { fileColumn } from 'filefield/typeorm';
 * import { EntitySchema } from 'typeorm';
 *
 * interface Note { id: number; file: StoredFile | null }
 * const Note = new EntitySchema<Note>({
 *   name: 'note',
 *   columns: { id: { type: Number, primary: true, generated: true }, file: fileColumn({ storage: 'documents' }) },
 * });
 * ```
 */
export function fileColumn(options: FileFieldOptions): FileColumnOptions {
  return {
    type: 'json',
    nullable: options.nullable ?? true,
    transformer: new FileColumn(options),
    ...(options.column && { name: options.column }),
  };
}
