import { FileField, type StoredFile } from 'filefield/typeorm';
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { photoImage } from './fields.js';

@Entity()
export class Photo {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar', { unique: true }) slug!: string;
  @Column('varchar') title!: string;
  @FileField(photoImage) image!: StoredFile | null;
}
