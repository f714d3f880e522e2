// The entity of the recipe for tests in docs/testing.md.
import 'reflect-metadata';
import { FileField, type StoredFile } from 'filefield/typeorm';
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

@Entity()
export class Document {
  @PrimaryGeneratedColumn('increment') id!: number;
  @Column('varchar') title!: string;
  @FileField({ storage: 'documents' }) file!: StoredFile | null;
}
