// The entity of the recipe for tests with MikroORM in docs/testing.md.
import { defineEntity, p } from '@mikro-orm/core';
import { fileType } from 'filefield/mikro-orm';

export const Document = defineEntity({
  name: 'Document',
  properties: {
    id: p.integer().primary(),
    title: p.string(),
    file: p.type(fileType({ storage: 'documents' })).nullable(),
  },
});
