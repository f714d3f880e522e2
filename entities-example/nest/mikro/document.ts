import { Entity, PrimaryKey, Property } from '@mikro-orm/core';
import { FileField, type StoredFile } from 'filefield/mikro-orm';
import { documentFile } from '../../fields.js';

@Entity()
export class Document {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @Property({ type: 'string', unique: true }) slug!: string;
  @Property({ type: 'string' }) title!: string;
  @Property({ type: 'string' }) owner!: string;
  @FileField({ ...documentFile, maxSize: '5 MB' }) file!: StoredFile | null;
}
