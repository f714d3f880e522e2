import { Global, Injectable, Module } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';

/** What the application reads from its environment; yours may use `@nestjs/config`. */
@Injectable()
export class Settings {
  /** The folder of the database and the files. */
  readonly data = process.env.EXAMPLE_DATA ?? 'var/nest';
  /** Signs tickets. All processes need the same one, and it must survive a restart. */
  readonly ticketSecret = process.env.TICKET_SECRET ?? randomBytes(32).toString('hex');

  constructor() {
    mkdirSync(this.data, { recursive: true });
  }
}

@Global()
@Module({ providers: [Settings], exports: [Settings] })
export class SettingsModule {}
