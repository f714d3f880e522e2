import type { DataSource, EntityMetadata, QueryRunner } from 'typeorm';
import { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js';
import { IndexMetadata } from 'typeorm/metadata/IndexMetadata.js';
import type { IdColumn } from '../../ledger/dialect.js';

/**
 * What TypeORM 0.3.20 to 1.x keeps private and this package needs. Nothing else in this folder reads private members.
 */

/**
 * True while a transaction is open that TypeORM has forgotten: a subscriber that throws before a savepoint makes
 * `isTransactionActive` false, but does not end the transaction around it.
 */
export function isTransactionLeftOpen(runner: QueryRunner): boolean {
  return ((runner as unknown as { readonly transactionDepth?: number }).transactionDepth ?? 0) > 0;
}

/** Writes the file of a sql.js database, which TypeORM does after transactions only; nothing to do for other drivers. */
export async function flush(runner: QueryRunner): Promise<void> {
  await (runner as unknown as { flush?(): Promise<void> }).flush?.();
}

/** Whether a connection of PostgreSQL is idle; undefined where the driver does not know. */
export function isIdle(client: unknown): boolean | undefined {
  const status = (client as { getTransactionStatus?(): string | null } | undefined)?.getTransactionStatus?.();
  return status === undefined || status === null ? undefined : status === 'I';
}

/**
 * Whether MySQL ran a statement outside any transaction, as its answer tells (SERVER_STATUS_IN_TRANS of its protocol);
 * undefined where the driver does not pass it on.
 */
export function isOutside(answer: unknown): boolean | undefined {
  const { serverStatus } = (answer ?? {}) as { readonly serverStatus?: number };
  return serverStatus === undefined ? undefined : (serverStatus & 1) === 0;
}

/** Runs a statement that changes rows, and returns their number. */
type Prepare = (text: string, values: readonly unknown[]) => Promise<number>;

/**
 * Sends values beside the text of a statement, in one prepared for it; undefined where the driver always does. TypeORM has
 * mysql2 write them into the text: bytes as hexadecimal digits, which costs four times as much.
 */
export function preparing(client: unknown): Prepare | undefined {
  const { execute } = client as {
    execute?(
      text: string,
      values: readonly unknown[],
      done: (error: unknown, result: { affectedRows: number }) => void,
    ): void;
  };
  if (!execute) return undefined;
  return (text, values) =>
    new Promise((resolve, reject) => {
      execute.call(client, text, values, (error, result) => {
        if (error) reject(error as Error);
        else resolve(result.affectedRows);
      });
    });
}

/** True for a condition such as `IsNull()` in place of a value. Marked so by both majors. */
export function isFindOperator(value: unknown): boolean {
  return typeof value === 'object' && value !== null && '@instanceof' in value;
}

/** Runs the work whenever the data source has built its metadata: before it synchronises and before it runs migrations. */
export function afterMetadata(dataSource: DataSource, work: () => void): void {
  const source = dataSource as unknown as { buildMetadatas(): Promise<void> };
  const build = source.buildMetadatas.bind(dataSource);
  source.buildMetadatas = async () => {
    await build();
    work();
  };
}

/** Declares an index that the schema tools neither make nor drop. */
export function declareIndex(dataSource: DataSource, column: ColumnMetadata, name: string): void {
  const { entityMetadata } = column;
  if (entityMetadata.indices.some((index) => index.name === name)) return;
  const args = { target: entityMetadata.target, name, synchronize: false };
  const index = new IndexMetadata({ entityMetadata, columns: [column], args });
  entityMetadata.indices.push(index.build(dataSource.namingStrategy));
}

/** Declares a generated column that queries neither read nor write, as the schema tools want it. */
export function declareGenerated(
  dataSource: DataSource,
  metadata: EntityMetadata,
  { name, expression }: IdColumn,
): ColumnMetadata {
  const known = metadata.columns.find(({ databaseName }) => databaseName === name);
  if (known) return known;
  // TypeORM 1.x takes the data source from the metadata of the entity.
  const parts = {
    connection: dataSource,
    entityMetadata: metadata,
    args: {
      target: metadata.target,
      mode: 'regular',
      propertyName: `filefield_${name.replace(/\W/g, '_')}`,
      options: {
        name,
        type: 'varchar',
        length: 36,
        charset: 'utf8mb4',
        collation: 'utf8mb4_bin',
        nullable: true,
        select: false,
        insert: false,
        update: false,
        generatedType: 'VIRTUAL',
        asExpression: expression,
      },
    },
  } as ConstructorParameters<typeof ColumnMetadata>[0];
  const column = new ColumnMetadata(parts);
  column.build(dataSource);
  metadata.registerColumn(column);
  return column;
}

/** The row by which TypeORM knows the expression of a generated column of MariaDB and MySQL. */
export async function recordGenerated(
  runner: QueryRunner,
  { entityMetadata }: ColumnMetadata,
  generated: IdColumn | undefined,
): Promise<void> {
  if (!generated) return;
  const { metadataTableName } = runner.manager.connection;
  const text = 'varchar(255)';
  await runner.query(
    `CREATE TABLE IF NOT EXISTS \`${metadataTableName}\` (\`type\` ${text} NOT NULL, \`database\` ${text} NULL, \`schema\` ${text} NULL, \`table\` ${text} NULL, \`name\` ${text} NULL, \`value\` text NULL)`,
  );
  await forgetGenerated(runner, entityMetadata, generated);
  await runner.query(
    `INSERT INTO \`${metadataTableName}\` (\`type\`, \`schema\`, \`table\`, \`name\`, \`value\`) VALUES ('GENERATED_COLUMN', DATABASE(), ?, ?, ?)`,
    [entityMetadata.tableName, generated.name, generated.expression],
  );
}

/** Deletes that row. */
export async function forgetGenerated(
  runner: QueryRunner,
  { tableName }: EntityMetadata,
  generated: IdColumn | undefined,
): Promise<void> {
  const { metadataTableName } = runner.manager.connection;
  if (!generated || !(await runner.hasTable(metadataTableName))) return;
  await runner.query(
    `DELETE FROM \`${metadataTableName}\` WHERE \`type\` = 'GENERATED_COLUMN' AND \`schema\` = DATABASE() AND \`table\` = ? AND \`name\` = ?`,
    [tableName, generated.name],
  );
}
