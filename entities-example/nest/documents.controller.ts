import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  NotFoundException,
  Param,
  Post,
  Put,
  UseGuards,
} from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse } from '@nestjs/swagger';
import type { Files } from 'filefield';
import { Download, InjectFiles, ReceiveFiles } from 'filefield/nest';
import { Document } from './database.js';
import { CreateDocument, CreateFromTicket, DocumentView, FileForm, Ticket } from './document.dto.js';
import { Documents } from './documents.js';
import { AuthGuard, CurrentUser, type LoggedIn } from './users.js';

@Controller('documents')
@UseGuards(AuthGuard)
@ApiBearerAuth()
export class DocumentsController {
  constructor(
    private readonly documents: Documents,
    @InjectFiles() private readonly files: Files,
  ) {}

  @Get()
  @ApiOkResponse({ type: [DocumentView] })
  async list(@CurrentUser() user: string): Promise<DocumentView[]> {
    return (await this.documents.list(user)).map((row) => new DocumentView(row));
  }

  @Post()
  @ReceiveFiles(Document, 'file')
  @ApiCreatedResponse({ type: DocumentView })
  async create(@Body() form: CreateDocument, @CurrentUser() owner: string): Promise<DocumentView> {
    return new DocumentView(await this.documents.create({ ...form, owner }));
  }

  /** The first of two requests: the page uploads while its form is still being filled in. */
  @Post('uploads')
  @ReceiveFiles(Document, 'file')
  @ApiCreatedResponse({ type: Ticket })
  async upload(@Body() { file }: FileForm, @CurrentUser() user: string): Promise<Ticket> {
    return { ticket: await this.files.ticket(file, { for: user }) };
  }

  /** The second one: the form, as JSON. */
  @Post('from-ticket')
  @ApiCreatedResponse({ type: DocumentView })
  async createFromTicket(
    @Body() { ticket, ...form }: CreateFromTicket,
    @CurrentUser() owner: string,
  ): Promise<DocumentView> {
    const file = await this.files.redeem(Document, 'file', ticket, { for: owner });
    return new DocumentView(await this.documents.create({ ...form, owner, file }));
  }

  @Put(':slug/file')
  @ReceiveFiles(Document, 'file')
  @ApiOkResponse({ type: DocumentView })
  async replace(
    @Param('slug') slug: string,
    @Body() { file }: FileForm,
    @CurrentUser() user: string,
  ): Promise<DocumentView> {
    const row = await this.documents.replaceFile(user, slug, file);
    if (!row) throw new NotFoundException();
    return new DocumentView(row);
  }

  @Delete(':slug')
  @HttpCode(204)
  async delete(@Param('slug') slug: string, @CurrentUser() user: string): Promise<void> {
    if (!(await this.documents.delete(user, slug))) throw new NotFoundException();
  }

  /** Documents of others are 404, as if they were not there. */
  @Get(':slug/file')
  @Download(Document, {
    field: 'file',
    slugField: 'slug',
    where: ({ user }: LoggedIn) => ({ owner: user! }),
    disposition: 'inline',
  })
  file(): void {}
}
