import type { ModuleRef } from '@nestjs/core';
import type { Files } from '../fields/files.js';
import { ledgerCheck, type LedgerCheckOptions } from '../health/ledger-check.js';
import { runChecks } from '../health/run-checks.js';
import { duration, type Duration } from '../options.js';
import { getFilesToken } from './tokens.js';

/** Options of `FilesHealthIndicator.check`. */
export interface FilesHealthOptions extends LedgerCheckOptions {
  /**
   * The name of the connection.
   * @default the connection without a name
   */
  readonly connection?: string;
  /**
   * Time after which the check has failed.
   * @default '10s'
   */
  readonly timeout?: Duration;
}

/** The health of the files under the key, as `@nestjs/terminus` wants it. */
export type FilesHealth<Key extends string = string> = Record<Key, FilesHealthState>;

/** What `FilesHealthIndicator` says of the files of one connection. */
export interface FilesHealthState {
  /** `up` if all links of the check work. */
  readonly status: 'up' | 'down';
  /** The link that failed, such as `storages`. */
  readonly link?: string;
  /** What to do about it: a sentence without a path, key or URL. */
  readonly message?: string;
}

/**
 * A health indicator for `@nestjs/terminus`: the ledger answers, each storage is the one of this database, sweeps run. It writes
 * nothing. `FilesModule` provides it.
 *
 * @example
 * ```ts
 * import { Controller, Get } from '@nestjs/common';
 * import { HealthCheck, HealthCheckService } from '@nestjs/terminus';
 * import { FilesHealthIndicator } from 'filefield/nest';
 *
 * @Controller('health')
 * export class HealthController {
 *   constructor(
 *     private readonly health: HealthCheckService,
 *     private readonly files: FilesHealthIndicator,
 *   ) {}
 *
 *   @Get()
 *   @HealthCheck()
 *   check() {
 *     return this.health.check([() => this.files.check('files')]);
 *   }
 * }
 * ```
 */
export class FilesHealthIndicator {
  /** @internal */
  constructor(private readonly modules: ModuleRef) {}

  /**
   * Runs a `ledgerCheck` of `filefield/health`, which reads the whole ledger.
   *
   * @throws `invalid_option` for an option out of range; a failed check does not reject.
   */
  async check<Key extends string = 'files'>(
    key: Key = 'files' as Key,
    { connection, timeout = '10s', ...options }: FilesHealthOptions = {},
  ): Promise<FilesHealth<Key>> {
    const files = this.modules.get<Files>(getFilesToken(connection), { strict: false });
    const checks = { [key]: ledgerCheck(files, options) };
    const { [key]: result } = await runChecks(checks, duration('timeout', timeout, { from: 1 }));
    const failed = result?.links.find(({ ok }) => !ok);
    const why = failed && { link: failed.link, message: failed.error?.message ?? 'The check failed.' };
    return { [key]: { status: result?.ok ? 'up' : 'down', ...why } } as FilesHealth<Key>;
  }
}
