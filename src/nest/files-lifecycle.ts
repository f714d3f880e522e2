import type { OnApplicationBootstrap, OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { multipartForms } from '../adapters/fastify.js';
import type { AttachOptions } from '../fields/attach.js';
import type { Files } from '../fields/files.js';
import type { Duration } from '../options.js';
import type { DeliveryChoice } from '../response/download.js';

/** The options of a `FilesModule`: those of `attachFiles`, and what runs beside it. */
export interface FilesModuleOptions extends AttachOptions {
  /**
   * Time between two sweeps of this process. The last one is awaited when the application closes, before the ORM is.
   * @default no sweeps: run them elsewhere, as from cron
   */
  readonly sweepEvery?: Duration | undefined;
  /**
   * Who sends the bytes of routes with `@Download()` that have no delivery of their own.
   * @default this process
   */
  readonly delivery?: DeliveryChoice | undefined;
}

/** What runs beside the files of one connection while the application does. */
export class FilesLifecycle implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  #stop: (() => Promise<void>) | undefined;

  constructor(
    private readonly files: Files,
    private readonly options: FilesModuleOptions,
    private readonly host: HttpAdapterHost,
  ) {}

  onModuleInit(): void {
    const { httpAdapter } = this.host;
    // In a test, and without a server, there is none. Fastify refuses parsers once it listens.
    if (httpAdapter?.getType?.() !== 'fastify') return;
    multipartForms(httpAdapter.getInstance<FastifyInstance>(), {}, () => undefined);
  }

  /** Not earlier, since migrations may run while modules are initialised. */
  onApplicationBootstrap(): void {
    const { sweepEvery } = this.options;
    if (sweepEvery !== undefined) this.#stop = this.files.sweepEvery(sweepEvery);
  }

  /** The modules of both ORMs close their connections in a later hook, onApplicationShutdown. */
  async onModuleDestroy(): Promise<void> {
    await this.#stop?.();
  }
}
