import {
  BadRequestException,
  Body,
  Controller,
  createParamDecorator,
  ForbiddenException,
  Inject,
  Post,
  UseGuards,
  ValidationPipe,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { IsOptional, Length } from 'class-validator';
import { request as httpRequest } from 'node:http';
import request from 'supertest';
import { isStoredFile, type StoredFile } from 'filefield';
import { ReceiveFiles } from 'filefield/nest';
import { IsStagedFile } from 'filefield/nest/validation';
import { Document, MikroDocument, openSite, pairs, Rows, statusOfHead, type Site } from './site.js';

class CreateDocument {
  @Length(3, 80) slug!: string;
  @IsStagedFile() file!: StoredFile;
  @IsOptional() @IsStagedFile() cover?: StoredFile;
}

class LoggedIn implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
    if (headers['authorization']) return true;
    throw new ForbiddenException();
  }
}

/** A user whom a guard has loaded, with a file of the same name as one of the form. */
let loaded: object;
const CurrentUser = createParamDecorator(() => loaded);

function controllers(entity: typeof Document) {
  @Controller('documents')
  class Documents {
    constructor(@Inject(Rows) private readonly rows: Rows) {}

    @Post()
    @ReceiveFiles(entity, ['file', 'cover'])
    async create(@Body() form: CreateDocument) {
      const stored = isStoredFile(form.file) && (form.cover === undefined || isStoredFile(form.cover));
      await this.rows.save(form);
      return { stored, form, keys: Object.keys(form) };
    }

    @Post('guarded')
    @UseGuards(LoggedIn)
    @ReceiveFiles(entity, 'file')
    guarded(@Body() { file }: CreateDocument) {
      return { name: file.name };
    }

    @Post('throws')
    @ReceiveFiles(entity, 'file')
    throws(@Body() _form: CreateDocument) {
      throw new BadRequestException('The handler refuses.');
    }

    @Post('loose')
    @ReceiveFiles(entity, 'file')
    loose(@Body() form: Record<string, unknown>) {
      return { form, stored: isStoredFile(form['file']) };
    }

    @Post('one')
    @ReceiveFiles(entity, 'file')
    one(@Body('file') file: StoredFile) {
      return { stored: isStoredFile(file) };
    }

    @Post('user')
    @ReceiveFiles(entity, ['file', 'cover'])
    user(@Body() form: CreateDocument, @CurrentUser() user: { file: StoredFile; cover: object }) {
      return { form: form.file.name, user: user.file.name, cover: user.cover };
    }

    @Post('alike')
    @ReceiveFiles(entity, ['file', 'cover'])
    async alike(@Body() { file, cover }: CreateDocument) {
      return { file: await file.text(), cover: await cover!.text() };
    }

    @Post('many')
    @ReceiveFiles(entity, ['file'], { maxFiles: 3 })
    many(@Body() { file }: { file: StoredFile[] }) {
      return { names: file.map(({ name }) => name), stored: file.every((one) => isStoredFile(one)) };
    }
  }
  return [Documents];
}

describe.each(pairs)('@ReceiveFiles on $platform with $orm', (pair) => {
  let site: Site;
  const post = (path = '') => request(site.url).post(`/documents${path}`);
  beforeEach(async () => {
    site = await openSite(pair, { controllers });
  });
  afterEach(() => site.close());

  it('gives the handler a validated body with the files themselves, which the row keeps', async () => {
    const { status, body } = await post()
      .field('slug', 'notes')
      .field('stranger', 'not in the class')
      .attach('file', Buffer.from('hello'), 'a.txt')
      .attach('cover', Buffer.from('hello'), 'b.txt');
    expect({ status, body }).toEqual({
      status: 201,
      body: {
        stored: true,
        form: {
          slug: 'notes',
          file: { name: 'a.txt', size: 5, type: 'text/plain' },
          cover: { name: 'b.txt', size: 5, type: 'text/plain' },
        },
        keys: ['slug', 'file', 'cover'],
      },
    });
    expect(await site.kept()).toHaveLength(2);
  });

  it('keeps nothing of a form that a pipe refuses', async () => {
    const { status, body } = await post().field('slug', 'x').attach('file', Buffer.from('hello'), 'a.txt');
    expect({ status, message: body.message }).toEqual({
      status: 400,
      message: ['slug must be longer than or equal to 3 characters'],
    });
    expect(await site.kept()).toEqual([]);
  });

  it('lets a rule of class-validator demand a file', async () => {
    const { status, body } = await post().field('slug', 'notes');
    expect({ status, message: body.message }).toEqual({ status: 400, message: ['file must be a file'] });
    const text = await post().field('slug', 'notes').field('file', 'a text under the name of the file');
    expect({ status: text.status, code: text.body.code }).toEqual({ status: 422, code: 'unexpected_field' });
  });

  it('keeps nothing when the handler throws', async () => {
    const { status, body } = await post('/throws').field('slug', 'notes').attach('file', Buffer.from('hello'), 'a.txt');
    expect({ status, message: body.message }).toEqual({ status: 400, message: 'The handler refuses.' });
    expect(await site.kept()).toEqual([]);
  });

  it('keeps nothing when the row cannot be saved', async () => {
    const save = () => post().field('slug', 'unique').attach('file', Buffer.from('hello'), 'a.txt');
    expect((await save()).status).toBe(201);
    expect((await save()).status).toBe(500);
    expect(await site.kept()).toHaveLength(1);
    expect(await site.app.get(Rows).count()).toBe(1);
  });

  it('answers a file that is too large with 413 and its rule, and logs no error', async () => {
    const { status, body } = await post().field('slug', 'notes').attach('file', Buffer.alloc(20_000, 'a'), 'a.txt');
    expect({ status, body }).toMatchObject({
      status: 413,
      body: {
        statusCode: 413,
        error: 'Payload Too Large',
        code: 'too_large',
        field: 'file',
        rule: 'maxSize',
        limit: 10_000,
      },
    });
    expect(await site.kept()).toEqual([]);
    expect(site.errors.lines).toEqual([]);
  });

  it('answers a body that is no form with 415', async () => {
    const { status, body } = await post().send({ slug: 'notes', file: { name: 'a', size: 1, type: 'b' } });
    expect({ status, code: body.code }).toEqual({ status: 415, code: 'wrong_type' });
  });

  it('runs guards before a byte of the body is read', async () => {
    // The body never comes, so a server that waits for it does not answer.
    expect(await statusOfHead(`${site.url}/documents/guarded`)).toBe(403);
    const admitted = await post('/guarded')
      .set('authorization', 'yes')
      .field('slug', 'notes')
      .attach('file', Buffer.from('hello'), 'a.txt');
    expect(admitted.body).toEqual({ name: 'a.txt' });
  });

  it('leaves out a property without a file, so that the file of a row that is changed stays', async () => {
    const { body } = await post('/loose').field('slug', 'notes');
    expect(body).toEqual({ form: { slug: 'notes' }, stored: false });
  });

  it('gives a handler one property of the body, or a list of files', async () => {
    expect((await post('/one').attach('file', Buffer.from('hello'), 'a.txt')).body).toEqual({ stored: true });
    const many = await post('/many')
      .attach('file', Buffer.from('same'), 'a.txt')
      .attach('file', Buffer.from('same'), 'b.txt');
    expect(many.body).toEqual({ names: ['a.txt', 'b.txt'], stored: true });
  });

  it('changes no other value of the handler', async () => {
    const entity = pair.orm === 'typeorm' ? Document : MikroDocument;
    const file = await site.files.stage(entity, 'file', Buffer.from('older'), { name: 'old.txt' });
    loaded = { file, cover: { of: 'the user' } };
    const { body } = await post('/user')
      .field('slug', 'notes')
      .attach('file', Buffer.from('hello'), 'new.txt')
      .attach('cover', Buffer.from('hello'), 'cover.txt');
    expect(body).toEqual({ form: 'new.txt', user: 'old.txt', cover: { of: 'the user' } });
  });

  it('tells two files apart that look alike', async () => {
    const { body } = await post('/alike')
      .field('slug', 'notes')
      .attach('file', Buffer.from('hello'), 'a.txt')
      .attach('cover', Buffer.from('HELLO'), 'a.txt');
    expect(body).toEqual({ file: 'hello', cover: 'HELLO' });
  });

  it('keeps nothing of an upload that the client breaks off', async () => {
    await new Promise<void>((resolve) => {
      const sending = httpRequest(`${site.url}/documents/loose`, {
        method: 'POST',
        headers: { 'content-type': 'multipart/form-data; boundary=b', 'content-length': '10000' },
      });
      sending.on('error', () => resolve());
      sending.write('--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhello');
      setTimeout(() => sending.destroy(), 100);
    });
    expect(await site.kept()).toEqual([]);
    expect(site.errors.lines).toEqual([]);
  });
});

describe.each([
  ['transforms', new ValidationPipe({ transform: true })],
  ['only validates', new ValidationPipe()],
  ['removes what it does not know', new ValidationPipe({ whitelist: true })],
  [
    'converts by the declared types',
    new ValidationPipe({ transform: true, transformOptions: { enableImplicitConversion: true } }),
  ],
  ['is not there', null],
])('the files of a form where the ValidationPipe %s', (_what, pipe) => {
  it('are the stored files', async () => {
    const site = await openSite(pairs[0]!, { controllers, pipe });
    try {
      const send = (path: string) =>
        request(site.url)
          .post(`/documents${path}`)
          .field('slug', 'notes')
          .attach('file', Buffer.from('hello'), 'a.txt');
      expect((await send('')).body).toMatchObject({ stored: true });
      expect((await send('/one')).body).toEqual({ stored: true });
      expect((await send('/loose')).body).toMatchObject({ stored: true });
      const two = await send('/many').attach('file', Buffer.from('hello'), 'a.txt');
      expect(two.body).toEqual({ names: ['a.txt', 'a.txt'], stored: true });
    } finally {
      await site.close();
    }
  });
});
