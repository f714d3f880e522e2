import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The table of the example, as `typeorm migration:generate` writes it: a file field is one JSON column. */
export class Tables1763000001000 implements MigrationInterface {
  readonly name = 'Tables1763000001000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE TABLE "document" ("id" integer PRIMARY KEY AUTOINCREMENT NOT NULL, "slug" varchar NOT NULL, "title" varchar NOT NULL, "owner" varchar NOT NULL, "file" json, CONSTRAINT "UQ_document_slug" UNIQUE ("slug"))`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE "document"`);
  }
}
