import { FileFieldError } from '../errors.js';
import { parseDescriptor, type FileDescriptor } from '../file/descriptor.js';
import { StoredFile, type StoredFileContext } from '../file/stored-file.js';
import { KeyRing, type SigningKey } from '../keys.js';
import type { Ledger, LedgerEntry } from '../ledger/ledger.js';
import { invalidOption } from '../options.js';
import { checkStorage, judgeAnew, type FileField } from './field.js';

/** Whom a ticket is for. */
export interface TicketOptions {
  /** Identifies who may redeem the ticket, such as the id of a user or of a session. It is not a part of the ticket. */
  readonly for: string;
}

/** What a ticket says: a descriptor without the place of the bytes, which only the ledger tells. */
interface Content {
  /** The field whose rules the file has passed, as `Entity.property`. */
  readonly field: string;
  /** Milliseconds since 1970. */
  readonly expires: number;
  readonly file: Omit<FileDescriptor, 'storage' | 'key'> & { readonly storage?: undefined; readonly key?: undefined };
}

/** Signed texts that stand for staged files. */
export class Tickets {
  readonly #ring: KeyRing | undefined;

  constructor(
    private readonly ledger: Ledger,
    private readonly fields: readonly FileField[],
    keys?: readonly SigningKey[],
  ) {
    this.#ring = keys && new KeyRing(keys, 'The option "ticketKeys"');
  }

  async issue(file: StoredFile, options: TicketOptions): Promise<string> {
    const ring = this.#keys();
    const bound = boundTo(options);
    if (!(await this.ledger.renew(file.id))) throw notStaged(await this.ledger.entry(file.id));
    const passed = this.fields.find(({ options: rules }) => rules === file.acceptedBy);
    const content: Content = {
      field: passed ? nameOf(passed) : '',
      expires: Date.now() + this.ledger.lease,
      // JSON leaves out what is undefined.
      file: { ...file.toDescriptor(), storage: undefined, key: undefined },
    };
    const text = Buffer.from(JSON.stringify(content)).toString('base64url');
    return [ring.signer, text, ring.sign(signed(ring.signer, text, bound))].join('~');
  }

  async redeem(
    ticket: string,
    field: FileField,
    context: StoredFileContext,
    options: TicketOptions,
  ): Promise<StoredFile> {
    const content = this.#read(ticket, boundTo(options));
    const { id } = content.file;
    const entry = content.expires > Date.now() ? await this.ledger.entry(id) : undefined;
    if (entry?.state !== 'pending') throw notStaged(entry);
    const { storage, key } = entry;
    const file = StoredFile.of(parseDescriptor({ ...content.file, storage, key }), context);
    checkStorage(file, field.options);
    if (content.field !== nameOf(field)) await judgeAnew(file, field);
    // From now on the row has a full lease to be saved in.
    if (!(await this.ledger.renew(id))) throw notStaged(await this.ledger.entry(id));
    return file;
  }

  #read(ticket: string, bound: string): Content {
    const ring = this.#keys();
    const [, key = '', text = '', signature = ''] =
      (typeof ticket === 'string' && /^([\w.-]{1,64})~([\w-]{1,8192})~([\w-]{43})$/.exec(ticket)) || [];
    if (key && ring.verifies(key, signed(key, text, bound), signature)) {
      return JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Content;
    }
    throw new FileFieldError('forbidden', 'The ticket was changed, or was made for somebody else.');
  }

  #keys(): KeyRing {
    if (!this.ledger.recorded) throw new FileFieldError('unsupported', 'Tickets need the ledger, which is turned off.');
    if (this.#ring) return this.#ring;
    throw invalidOption('Tickets need keys: give attachFiles() the option "ticketKeys".');
  }
}

const nameOf = ({ entity, property }: FileField) => `${entity}.${property}`;

/** The text that a signature covers. A signed URL begins with other words, so the two can share their keys. */
const signed = (key: string, text: string, bound: string) =>
  ['filefield ticket 1', key, text, JSON.stringify(bound)].join('\n');

function boundTo(options: TicketOptions): string {
  const { for: bound } = options;
  if (typeof bound === 'string' && bound !== '') return bound;
  throw invalidOption('A ticket needs "for": a text that identifies who may redeem it.');
}

/** Why a file is not staged any more. */
function notStaged(entry: LedgerEntry | undefined): FileFieldError {
  return entry?.state === 'live'
    ? new FileFieldError('already_bound', 'A row has the file already; a ticket is good for one.')
    : new FileFieldError('staged_expired', 'The file was not saved in time and is gone; upload it again.');
}
