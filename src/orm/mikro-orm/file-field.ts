import { MetadataStorage, ReferenceKind, type EntityMetadata, type EntityProperty, type Type } from '@mikro-orm/core';
import type { FileFieldOptions } from '../../fields/field-options.js';
import type { StoredFile } from '../../file/stored-file.js';
import { FileType } from './file-type.js';

/** A decorator for properties of the type `StoredFile | null`, of the legacy kind and of the standard (TC39) kind. */
export interface FileFieldDecorator {
  <Name extends string, Target extends { [Property in Name]?: StoredFile | null }>(
    target: Target,
    property: Name,
  ): void;
  <Entity>(value: undefined, context: ClassFieldDecoratorContext<Entity, StoredFile | null | undefined>): void;
}

/**
 * A decorator that makes a property a file field: the file is saved with the row, gone with the row, undone by a
 * rollback. The column is JSON. It compiles on properties of the type `StoredFile | null` only, and works beside the
 * decorators of MikroORM 6, and of `@mikro-orm/decorators/legacy` and `/es` of MikroORM 7.
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
export function FileField(options: FileFieldOptions): FileFieldDecorator {
  return (target: object | undefined, at: string | ClassFieldDecoratorContext): void => {
    const name = typeof at === 'string' ? at : String(at.name);
    const properties = typeof at === 'string' ? propertiesOf((target as object).constructor) : standardProperties(at);
    properties[name] = { kind: ReferenceKind.SCALAR, name, getter: false, setter: false, ...fileProperty(options) };
  };
}

/** The same as a property of an `EntitySchema`: `properties: { file: fileProperty({ storage: 'documents' }) }`. */
export function fileProperty(options: FileFieldOptions): {
  type: FileTypeClass;
  nullable: boolean;
  fieldName?: string;
} {
  return {
    type: fileType(options),
    nullable: options.nullable ?? true,
    ...(options.column && { fieldName: options.column }),
  };
}

/** The class of a type whose values are stored files. */
export type FileTypeClass = new () => Type<StoredFile, string>;

/**
 * The same as a type, for `defineEntity`. Column name and nullability are said there in MikroORM's own words.
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
    // Not a field of the instance: MikroORM copies types of embeddables without calling their constructor.
    get options(): FileFieldOptions {
      return options;
    }
  } as unknown as FileTypeClass;
}

type Properties = Record<string, Partial<Omit<EntityProperty, 'type'>> & { type: unknown }>;

interface Majors {
  /** MikroORM 6. */
  getMetadataFromDecorator?(target: object): EntityMetadata;
  /** MikroORM 7, where decorators are another package; found by class, so the path only has to be there. */
  getMetadata(entity: string, path: string, target: object): EntityMetadata;
  readonly PATH_SYMBOL: symbol;
}

function propertiesOf(target: { readonly name: string } & object): Properties {
  const storage = MetadataStorage as unknown as Majors;
  if (storage.getMetadataFromDecorator) return storage.getMetadataFromDecorator(target).properties as Properties;
  if (!Object.hasOwn(target, storage.PATH_SYMBOL)) {
    Object.defineProperty(target, storage.PATH_SYMBOL, { value: target.name, writable: true });
  }
  const path = (target as Record<symbol, string>)[storage.PATH_SYMBOL] ?? target.name;
  return storage.getMetadata(target.name, path, target).properties as Properties;
}

/** Where `@mikro-orm/decorators/es` looks. The metadata of a class inherits from that of its base: copy, then write. */
function standardProperties(context: ClassFieldDecoratorContext): Properties {
  const metadata = context.metadata as { properties?: Properties };
  if (!Object.hasOwn(metadata, 'properties')) metadata.properties = { ...metadata.properties };
  return metadata.properties as Properties;
}
