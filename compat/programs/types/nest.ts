// Uses filefield/nest. Only compiled, not run.
import { Body, Controller, Get, Module, Post } from '@nestjs/common';
import { StorageRegistry, type Files, type StoredFile } from 'filefield';
import {
  Download,
  DownloadedRow,
  FileDownloads,
  FileErrorsFilter,
  FilesHealthIndicator,
  FilesModule,
  getFilesToken,
  InjectFiles,
  ReceiveFiles,
  toStreamable,
} from 'filefield/nest';
import { MemoryStorage } from 'filefield/storages/memory';

declare class Document {
  id: number;
  slug: string;
  file: StoredFile | null;
}

@Controller('documents')
export class Documents {
  constructor(@InjectFiles() readonly files: Files) {}

  @Post()
  @ReceiveFiles(Document, 'file', { maxSize: '1 MB' })
  create(@Body() body: { readonly file: StoredFile }): string {
    return body.file.name;
  }

  @Get(':slug')
  @Download(Document, { field: 'file', slugField: 'slug' })
  file(@DownloadedRow() document: Document): string {
    return document.slug;
  }
}

@Module({
  imports: [FilesModule.forRoot({ storages: new StorageRegistry({ documents: new MemoryStorage() }) })],
  controllers: [Documents],
  providers: [FileDownloads, FileErrorsFilter, FilesHealthIndicator],
})
export class AppModule {}

export const token = getFilesToken();
export const streamed = (file: StoredFile) => toStreamable(file);

// @ts-expect-error no such field
Download(Document, { field: 'flie' });
