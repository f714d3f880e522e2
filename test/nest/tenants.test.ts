import {
  Body,
  Controller,
  ForbiddenException,
  Post,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import request from 'supertest';
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import type { StoredFile } from 'filefield';
import { FileErrorsFilter, FilesModule, ReceiveFiles } from 'filefield/nest';
import { MemoryStorage } from 'filefield/storages/memory';
import { FileField } from 'filefield/typeorm';
import { Errors, keysOf, Ledger1700000000000, platforms } from './site.js';

const asked: unknown[] = [];

@Entity()
class Letter {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar', { default: '' }) text!: string;
  @FileField({
    storage: {
      among: ['red', 'blue'],
      choose: ({ context }) => {
        asked.push(context);
        return (context as { tenant: string }).tenant;
      },
    },
  })
  scan!: StoredFile | null;
}

interface Asked {
  readonly headers: Readonly<Record<string, string | undefined>>;
  tenant?: string;
}

class Tenants implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<Asked>();
    context.switchToHttp().getRequest<Asked>().tenant = headers['x-tenant'];
    return true;
  }
}

@Controller('letters')
@UseGuards(Tenants)
class Letters {
  @Post()
  @ReceiveFiles(Letter, 'scan', {
    context: async ({ tenant }: Asked) => {
      if (!tenant) throw new ForbiddenException('Whose letter is it?');
      return { tenant };
    },
  })
  create(@Body() { scan }: { scan: StoredFile }) {
    return { name: scan.name };
  }
}

async function open(platform: keyof typeof platforms, controllers = [Letters as new () => object]) {
  const storages = { red: new MemoryStorage(), blue: new MemoryStorage() };
  const building = await Test.createTestingModule({
    imports: [
      TypeOrmModule.forRoot({
        type: 'sqlite',
        database: ':memory:',
        entities: [Letter],
        synchronize: true,
        migrations: [Ledger1700000000000],
        migrationsRun: true,
        retryAttempts: 0,
      }),
      FilesModule.forRoot({ storages, protection: 'off' }),
    ],
    controllers,
  })
    .setLogger(new Errors())
    .compile();
  const app = building.createNestApplication(platforms[platform]() as never);
  app.useGlobalFilters(new FileErrorsFilter());
  await app.listen(0, '127.0.0.1');
  return { app, url: await app.getUrl(), storages };
}

describe.each(['express', 'fastify'] as const)('the context of @ReceiveFiles on %s', (platform) => {
  it('is what the route makes of the request after its guards, and chooses the storage', async () => {
    const { app, url, storages } = await open(platform);
    try {
      asked.length = 0;
      const send = () => request(url).post('/letters').attach('scan', Buffer.from('hello'), 'a.txt');
      expect((await send().set('x-tenant', 'blue')).status).toBe(201);
      expect(asked).toEqual([{ tenant: 'blue' }]);
      expect(await keysOf(storages.red)).toHaveLength(0);
      expect(await keysOf(storages.blue)).toHaveLength(1);
      const refused = await send();
      expect({ status: refused.status, message: refused.body.message }).toEqual({
        status: 403,
        message: 'Whose letter is it?',
      });
      expect(asked).toHaveLength(1);
    } finally {
      await app.close();
    }
  });
});

it.each([
  ['a field that the entity does not have', 'text' as 'scan', {}],
  ['a limit out of range', 'scan', { maxFiles: 0 }],
  ['a limit for a field that is not received', 'scan', { maxFiles: { text: 2 } as never }],
] as const)('@ReceiveFiles does not start with %s', async (_what, field, options) => {
  @Controller()
  class Wrong {
    @Post()
    @ReceiveFiles(Letter, field, options)
    create() {}
  }
  await expect(open('express', [Wrong])).rejects.toMatchObject({ code: 'invalid_option' });
});
