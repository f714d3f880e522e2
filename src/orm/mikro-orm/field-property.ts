import type { EntityProperty } from '@mikro-orm/core';
import type { FileField } from '../../fields/field.js';
import type { FileTriggerColumn } from '../../ledger/file-triggers.js';

type Data = Readonly<Record<string, unknown>>;

/** A file field and the property it is. */
export interface FieldProperty {
  readonly field: FileField;
  readonly property: EntityProperty;
  /** From the entity to the value; more than one step where it is embedded. */
  readonly path: readonly string[];
  readonly trigger: FileTriggerColumn;
}

/** What the entity holds there. */
export function valueOf(entity: object, { path }: FieldProperty): unknown {
  return path.reduce<unknown>((value, name) => (value as Data | null | undefined)?.[name], entity);
}
