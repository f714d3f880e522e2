import { ClassSerializerInterceptor, Module, ValidationPipe } from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { FileErrorsFilter, FilesModule } from 'filefield/nest';
import { DiskStorage } from 'filefield/storages/disk';
import path from 'node:path';
import { grace } from '../grace.js';
import { DatabaseModule } from './database.js';
import { DocumentsController } from './documents.controller.js';
import { HealthController } from './health.controller.js';
import { Settings, SettingsModule } from './settings.js';

@Module({
  imports: [
    SettingsModule,
    DatabaseModule,
    FilesModule.forRootAsync({
      inject: [Settings],
      useFactory: ({ data, ticketSecret }: Settings) => ({
        storages: { documents: new DiskStorage({ root: path.join(data, 'documents') }) },
        ticketKeys: [{ id: '1', secret: ticketSecret }],
        grace: grace(),
        sweepEvery: '10s',
      }),
    }),
    TerminusModule,
  ],
  controllers: [DocumentsController, HealthController],
  providers: [
    { provide: APP_FILTER, useClass: FileErrorsFilter },
    { provide: APP_PIPE, useValue: new ValidationPipe({ whitelist: true, transform: true }) },
    { provide: APP_INTERCEPTOR, useClass: ClassSerializerInterceptor },
  ],
})
export class AppModule {}
