import type { EntityMetadata, ObjectLiteral } from 'typeorm';
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js';
import type { FileField } from '../../fields/field.js';

/** A file field and its column. */
export interface FieldColumn {
  readonly column: ColumnMetadata;
  readonly field: FileField;
}

/** The value of a column in an entity; undefined without an entity. */
export function valueOf(column: ColumnMetadata, entity: ObjectLiteral | undefined): unknown {
  return entity && column.getEntityValue(entity);
}

/** The primary key from the first source that has all of it. */
export function keyOf(metadata: EntityMetadata, ...sources: unknown[]): readonly unknown[] | undefined {
  for (const source of sources) {
    if (source === undefined || source === null) continue;
    const parts = metadata.primaryColumns.map((column) =>
      typeof source === 'object' ? valueOf(column, source as ObjectLiteral) : source,
    );
    if (parts.length > 0 && parts.every((part) => part !== undefined && part !== null)) return parts;
  }
  return undefined;
}
