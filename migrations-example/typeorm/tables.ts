import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The tables of the example, as `typeorm migration:generate` writes them: a file field is one JSON column. */
export class Tables1763000001000 implements MigrationInterface {
  readonly name = 'Tables1763000001000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE TABLE "document" ("id" integer PRIMARY KEY AUTOINCREMENT NOT NULL, "slug" varchar NOT NULL, "title" varchar NOT NULL, "file" json, CONSTRAINT "UQ_document_slug" UNIQUE ("slug"))`,
    );
    await runner.query(
      `CREATE TABLE "photo" ("id" integer PRIMARY KEY AUTOINCREMENT NOT NULL, "slug" varchar NOT NULL, "title" varchar NOT NULL, "image" json, CONSTRAINT "UQ_photo_slug" UNIQUE ("slug"))`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE "photo"`);
    await runner.query(`DROP TABLE "document"`);
  }
}
