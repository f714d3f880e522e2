import { createFileObjects, dropFileObjects } from 'filefield/typeorm';
import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The tables of `databaseStorage`, which only applications with their bytes in the database need. */
export class FileObjects1763000003000 implements MigrationInterface {
  readonly name = 'FileObjects1763000003000';

  up(runner: QueryRunner): Promise<void> {
    return createFileObjects(runner);
  }

  down(runner: QueryRunner): Promise<void> {
    return dropFileObjects(runner);
  }
}
