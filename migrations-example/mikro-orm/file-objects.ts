import { Migration } from '@mikro-orm/migrations';
import { createFileObjects, dropFileObjects } from 'filefield/mikro-orm';

/** The tables of `databaseStorage`, which only applications with their bytes in the database need. */
export class FileObjects extends Migration {
  override up = () => createFileObjects(this);
  override down = () => dropFileObjects(this);
}
