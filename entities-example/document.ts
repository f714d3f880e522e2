import { FileField, type StoredFile } from 'filefield/typeorm';
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { documentFile } from './fields.js';

@Entity()
export class Document {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar', { unique: true }) slug!: string;
  @Column('varchar') title!: string;
  @FileField(documentFile) file!: StoredFile | null;
}
