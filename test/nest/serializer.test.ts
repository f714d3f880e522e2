import { ClassSerializerInterceptor, Controller, Get, Param, SerializeOptions, UseInterceptors } from '@nestjs/common';
import { ApiProperty, DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { instanceToInstance, plainToInstance, Exclude, Expose } from 'class-transformer';
import request from 'supertest';
import { isStoredFile, type Files, type StoredFile } from 'filefield';
import { InjectFiles } from 'filefield/nest';
import { FileProperty } from 'filefield/nest/serializer';
import { Document, MikroDocument, openSite, pairs, Rows, type Site } from './site.js';

const url = ({ slug }: { slug: string }) => `/documents/${slug}/file`;

class View {
  @ApiProperty() slug!: string;
  @FileProperty({ url }) file!: StoredFile | null;
  @FileProperty({ url: (view: View) => `/covers/${view.slug}` }) cover?: StoredFile | null;
}

class Strict {
  slug!: string;
  @Expose() @FileProperty({ url }) file!: StoredFile | null;
}

// The entities themselves too.
for (const entity of [Document, MikroDocument]) {
  FileProperty({ url })(entity.prototype, 'file');
  Exclude()(entity.prototype, 'owner');
}

function controllers(entity: typeof Document) {
  @Controller('documents')
  @UseInterceptors(ClassSerializerInterceptor)
  class Documents {
    constructor(@InjectFiles() private readonly files: Files) {}

    @Get('plain/:slug')
    row(@Param('slug') slug: string) {
      return this.files.findObject(entity, { slug });
    }

    @Get('view/:slug')
    async view(@Param('slug') slug: string): Promise<View> {
      const { file, cover } = (await this.files.findObject(entity, { slug }))!;
      return Object.assign(new View(), { slug, file, cover });
    }

    @Get('list')
    async list(): Promise<View[]> {
      return [await this.view('notes'), await this.view('empty')];
    }

    @Get('typed/:slug')
    @SerializeOptions({ type: View })
    async typed(@Param('slug') slug: string) {
      return { ...(await this.view(slug)) };
    }

    @Get('strict/:slug')
    @SerializeOptions({ strategy: 'excludeAll' })
    async strict(@Param('slug') slug: string) {
      return Object.assign(new Strict(), await this.view(slug));
    }

    @Get('copy/:slug')
    async copy(@Param('slug') slug: string) {
      const view = await this.view(slug);
      const copies = [instanceToInstance(view), plainToInstance(View, { ...view })];
      return copies.map(({ file }) => ({ ...file, stored: isStoredFile(file) }));
    }
  }
  return [Documents];
}

describe.each(pairs)('@FileProperty with the ClassSerializerInterceptor on $platform with $orm', (pair) => {
  const entity = pair.orm === 'typeorm' ? Document : MikroDocument;
  const file = { name: 'a.txt', size: 5, type: 'text/plain', url: '/documents/notes/file' };
  let site: Site;
  const get = async (where: string) => (await request(site.url).get(`/documents/${where}`)).body as unknown;
  beforeAll(async () => {
    site = await openSite(pair, { controllers });
    const staged = await site.files.stage(entity, 'file', Buffer.from('hello'), { name: 'a.txt' });
    await site.app.get(Rows).save({ slug: 'notes', file: staged });
    await site.app.get(Rows).save({ slug: 'empty', file: null });
  });
  afterAll(() => site.close());

  it('adds the URL to the file of an entity, and nothing of the storage', async () => {
    expect(await get('plain/notes')).toEqual({ id: 1, slug: 'notes', file, cover: null });
    expect(await get('plain/empty')).toMatchObject({ slug: 'empty', file: null });
  });

  it('adds it to the file of a class of the application, alone and in a list', async () => {
    expect(await get('view/notes')).toEqual({ slug: 'notes', file, cover: null });
    expect(await get('list')).toEqual([
      { slug: 'notes', file, cover: null },
      { slug: 'empty', file: null, cover: null },
    ]);
  });

  it('adds it where the interceptor makes the instance, and with the strategy that exposes single properties', async () => {
    expect(await get('typed/notes')).toEqual({ slug: 'notes', file, cover: null });
    expect(await get('strict/notes')).toEqual({ file });
  });

  it('changes nothing where class-transformer makes copies, which are no stored files', async () => {
    const copy = { name: 'a.txt', size: 5, type: 'text/plain', stored: false };
    expect(await get('copy/notes')).toEqual([copy, copy]);
  });
});

it('@FileProperty describes the file for @nestjs/swagger', async () => {
  const site = await openSite(pairs[0]!, { controllers });
  try {
    const { components } = SwaggerModule.createDocument(site.app, new DocumentBuilder().build(), {
      extraModels: [View],
    });
    const file = {
      type: 'object',
      nullable: true,
      properties: {
        name: { type: 'string' },
        size: { type: 'integer' },
        type: { type: 'string' },
        url: { type: 'string', format: 'uri-reference' },
      },
    };
    expect(components?.schemas?.['View']).toEqual({
      type: 'object',
      properties: { slug: { type: 'string' }, file, cover: file },
      required: ['slug', 'file', 'cover'],
    });
  } finally {
    await site.close();
  }
});
