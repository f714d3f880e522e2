import type { DynamicModule } from '@nestjs/common';
import type { Document as TypeormDocument } from './typeorm/document.js';

// The only file that knows which ORM there is. An application has one, and imports its entity and its module from their files.
const orm =
  process.env.EXAMPLE_ORM === 'mikro' ? await import('./mikro/database.js') : await import('./typeorm/database.js');

export const DatabaseModule: DynamicModule = orm.databaseModule;
export const Document = orm.Document as typeof TypeormDocument;
