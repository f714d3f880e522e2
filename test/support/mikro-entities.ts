import { defineEntity, EntitySchema, p, PrimaryKeyProp } from '@mikro-orm/core';
import type { StoredFile } from 'filefield';
import { FileField, fileProperty, fileType } from 'filefield/mikro-orm';
import { legacy } from './mikro-orm.js';

const { Embeddable, Embedded, Entity, ManyToOne, PrimaryKey, Property } = legacy;

@Entity()
export class Document {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @Property({ type: 'string', nullable: true }) title?: string;
  @FileField({ storage: 'documents', maxSize: 1000 }) file!: StoredFile | null;
  @FileField({ storage: 'documents', column: 'cover_json' }) cover!: StoredFile | null;
}

@Embeddable()
export class Profile {
  @Property({ type: 'string', nullable: true }) name?: string;
  @FileField({ storage: 'documents' }) avatar!: StoredFile | null;
}

@Entity()
export class Person {
  @PrimaryKey({ type: 'uuid' }) id!: string;
  @Embedded(() => Profile) profile = new Profile();
}

@Entity({ discriminatorColumn: 'kind', discriminatorValue: 'media' })
export class Media {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @FileField({ storage: 'documents' }) source!: StoredFile | null;
}

@Entity({ discriminatorValue: 'film' })
export class Film extends Media {
  @FileField({ storage: 'documents' }) poster!: StoredFile | null;
}

@Entity()
export class Page {
  @ManyToOne(() => Document, { primary: true }) document!: Document;
  @PrimaryKey({ type: 'integer' }) number!: number;
  @FileField({ storage: 'documents' }) scan!: StoredFile | null;
  [PrimaryKeyProp]?: ['document', 'number'];
}

export const Invoice = defineEntity({
  name: 'Invoice',
  properties: { id: p.integer().primary(), file: p.type(fileType({ storage: 'documents' })).nullable() },
});

export interface Note {
  id: number;
  file: StoredFile | null;
}
export const NoteSchema = new EntitySchema<Note>({
  name: 'Note',
  properties: { id: { type: 'integer', primary: true }, file: fileProperty({ storage: 'documents', column: 'data' }) },
});

export const mikroEntities = [Document, Page, Profile, Person, Media, Film, Invoice, NoteSchema];
