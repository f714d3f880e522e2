import { ApiProperty } from '@nestjs/swagger';
import { IsString, Length, Matches, MaxLength } from 'class-validator';
import type { StoredFile } from 'filefield';
import { FileProperty } from 'filefield/nest/serializer';
import { IsStagedFile } from 'filefield/nest/validation';
import type { DocumentRow } from './documents.js';

class DocumentText {
  @ApiProperty()
  @Matches(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, { message: 'slug must be lower-case words joined by hyphens' })
  @MaxLength(80)
  slug!: string;

  @ApiProperty()
  @Length(1, 300)
  title!: string;
}

/** The form of a new document. */
export class CreateDocument extends DocumentText {
  @IsStagedFile() file!: StoredFile;
}

/** A form with nothing but a file. */
export class FileForm {
  @IsStagedFile() file!: StoredFile;
}

/** A new document whose file was uploaded before. */
export class CreateFromTicket extends DocumentText {
  @ApiProperty()
  @IsString()
  ticket!: string;
}

/** What stands for an uploaded file. */
export class Ticket {
  @ApiProperty() ticket!: string;
}

/** A document as clients see it. */
export class DocumentView {
  @ApiProperty() slug: string;
  @ApiProperty() title: string;
  @FileProperty({ url: ({ slug }: DocumentView) => `/documents/${slug}/file` }) file: StoredFile | null;

  constructor({ slug, title, file }: DocumentRow) {
    this.slug = slug;
    this.title = title;
    this.file = file;
  }
}
