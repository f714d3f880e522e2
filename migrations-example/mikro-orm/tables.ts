import { Migration } from '@mikro-orm/migrations';

/** The tables of the example, as `mikro-orm migration:create` writes them: a file field is one JSON column. */
export class Tables extends Migration {
  override up(): void {
    for (const [table, field] of [
      ['document', 'file'],
      ['photo', 'image'],
    ]) {
      this.addSql(
        `create table \`${table}\` (\`id\` integer not null primary key autoincrement, \`slug\` text not null, \`title\` text not null, \`${field}\` json null)`,
      );
      this.addSql(`create unique index \`${table}_slug_unique\` on \`${table}\` (\`slug\`)`);
    }
  }

  override down(): void {
    this.addSql('drop table `photo`');
    this.addSql('drop table `document`');
  }
}
