import { ReferenceKind, type Type } from '@mikro-orm/core';
import type { DecoratedName, DecoratedValue, FileFieldOptions } from '../../fields/field-options.js';
import type { StoredFile } from '../../file/stored-file.js';
import { FileType } from './file-type.js';
import { decoratedProperties, standardProperties } from './internals.js';

/** A decorator for properties of the type `StoredFile | null`, of the legacy kind and of the standard (TC39) kind. */
export interface FileFieldDecorator<Nullable extends boolean = boolean> {
  <Target extends object, Name extends string>(
    target: Target,
    property: Name & DecoratedName<Target, Name, Nullable>,
  ): void;
  <Entity, Value>(
    value: undefined,
    context: ClassFieldDecoratorContext<Entity, Value> &
      (DecoratedValue<Value, Nullable> extends true ? unknown : never),
  ): void;
}

/**
 * A decorator that makes a property a file field: the file is saved with the row, deleted with the row, and undone by a
 * rollback. The column is of type json. It compiles only on properties of the type `StoredFile | null`, or
 * `StoredFile` with `nullable: false`. It works beside the decorators of MikroORM 6 and those of `@mikro-orm/decorators/legacy` and `/es` of MikroORM 7.
 *
 * @example
 * ```ts
 * import { Entity, PrimaryKey, Property } from '@mikro-orm/core';
 * import { FileField, type StoredFile } from 'filefield/mikro-orm';
 *
 * @Entity()
 * class Document {
 *   @PrimaryKey({ type: 'integer' }) id!: number;
 *   @Property({ type: 'string', unique: true }) slug!: string;
 *   @FileField({ storage: 'documents', accept: ['application/pdf'], maxSize: '20 MB' }) file!: StoredFile | null;
 * }
 * ```
 */
export function FileField<const Nullable extends boolean = true>(
  options: FileFieldOptions<Nullable>,
): FileFieldDecorator<Nullable> {
  return (target: object | undefined, at: string | ClassFieldDecoratorContext): void => {
    const name = typeof at === 'string' ? at : String(at.name);
    const properties =
      typeof at === 'string' ? decoratedProperties((target as object).constructor) : standardProperties(at);
    properties[name] = { kind: ReferenceKind.SCALAR, name, getter: false, setter: false, ...fileProperty(options) };
  };
}

/**
 * The same as a property of an `EntitySchema`.
 *
 * @example
 * ```ts
 * import { EntitySchema } from '@mikro-orm/core';
 * import type { StoredFile } from 'filefield';
 * import { fileProperty } from 'filefield/mikro-orm';
 *
 * interface Note { id: number; file: StoredFile | null }
 * const Note = new EntitySchema<Note>({
 *   name: 'Note',
 *   properties: { id: { type: 'integer', primary: true }, file: fileProperty({ storage: 'documents' }) },
 * });
 * ```
 */
export function fileProperty(options: FileFieldOptions): FileProperty {
  return {
    type: fileType(options),
    nullable: options.nullable ?? true,
    ...(options.column && { fieldName: options.column }),
  };
}

/** A property of an `EntitySchema` that is a file field. */
export interface FileProperty {
  /** MikroORM's custom type. */
  type: FileTypeClass;
  /** Whether the column may be null. */
  nullable: boolean;
  /** Name of the database column. */
  fieldName?: string;
}

/** The class of a type whose values are stored files. */
export type FileTypeClass = new () => Type<StoredFile, string>;

/**
 * The same as a type, for `defineEntity`, which has its own ways to set the column name and nullability.
 *
 * @example
 * ```ts
 * import { defineEntity, p } from '@mikro-orm/core';
 * import { fileType } from 'filefield/mikro-orm';
 *
 * const Document = defineEntity({
 *   name: 'Document',
 *   properties: { id: p.integer().primary(), file: p.type(fileType({ storage: 'documents' })).nullable() },
 * });
 * ```
 */
export function fileType(options: Omit<FileFieldOptions, 'column' | 'nullable'>): FileTypeClass {
  return class File extends FileType {
    // A getter, not a field: MikroORM copies types of embeddables without calling their constructor.
    get options(): FileFieldOptions {
      return options;
    }
  } as unknown as FileTypeClass;
}
