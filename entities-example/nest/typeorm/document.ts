import { FileField, type StoredFile } from 'filefield/typeorm';
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { documentFile } from '../../fields.js';

@Entity()
export class Document {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar', { unique: true }) slug!: string;
  @Column('varchar') title!: string;
  @Column('varchar') owner!: string;
  @FileField({ ...documentFile, maxSize: '5 MB' }) file!: StoredFile | null;
}
