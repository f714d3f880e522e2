// Standard (TC39) decorators: compiled without experimentalDecorators, and type-checked against MikroORM 7.
import { defineEntity, p, type EntityManager } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/es';
import { FileField, fileType, type Files, type StoredFile } from 'filefield/mikro-orm';

@Entity({ abstract: true })
abstract class Base {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @FileField({ storage: 'documents' }) file!: StoredFile | null;
}

@Entity()
export class Letter extends Base {
  @Property({ type: 'string', nullable: true }) subject?: string;
  @FileField({ storage: 'documents', column: 'scan_json' }) scan: StoredFile | null = null;
}

@Entity()
export class Parcel extends Base {
  @Property({ type: 'string', nullable: true }) address?: string;
}

export class Wrong {
  // @ts-expect-error a text is not a file
  @FileField({ storage: 'documents' }) text!: string;
  // @ts-expect-error - the default is nullable
  @FileField({ storage: 'documents' }) neverNull!: StoredFile;
  // @ts-expect-error - a null that the database refuses
  @FileField({ storage: 'documents', nullable: false }) notNullable!: StoredFile | null;
  @FileField({ storage: 'documents', nullable: false }) required!: StoredFile;
  // @ts-expect-error a property may not hold more than the field does
  @FileField({ storage: 'documents' }) either!: StoredFile | string | null;
}

const Sheet = defineEntity({
  name: 'Sheet',
  properties: { id: p.integer().primary(), file: p.type(fileType({ storage: 'documents' })).nullable() },
});

/** What users write compiles with the types of MikroORM 7. */
export async function use(em: EntityManager, files: Files): Promise<StoredFile | null | undefined> {
  const letter = em.create(Letter, { file: await files.stage(Letter, 'file', 'x'), scan: null });
  // @ts-expect-error not a file field
  await files.stage(Letter, 'subject', 'x');
  const sheet = em.create(Sheet, { file: await files.stage(Sheet, 'file', 'x') });
  await em.flush();
  return letter.file ?? sheet.file;
}
