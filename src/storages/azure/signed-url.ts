import {
  BlobSASPermissions,
  BlobServiceClient,
  type BlobGenerateSasUrlOptions,
  type BlockBlobClient,
  type ContainerClient,
  type Pipeline,
  type UserDelegationKey,
} from '@azure/storage-blob';
import { FileFieldError } from '../../errors.js';
import type { UrlOptions } from '../../file/file.js';

const day = 24 * 3_600_000;
/** Milliseconds for which a user delegation key is asked; the service allows no more. */
const keyLife = 7 * day;
/** By how much the clock of this machine may be wrong. */
const skew = 15 * 60_000;
/** The longest life of a URL. Less than that of a key, so that most URLs find one that lives long enough. */
const longestUrl = 6 * day;

type Credential = 'shared key' | 'token' | undefined;

/** Signs URLs with the account key of the client, or with a key that Entra ID delegates to it. */
export class UrlSigner {
  #delegated: Promise<UserDelegationKey> | undefined;

  constructor(private readonly container: ContainerClient) {}

  async sign(blob: BlockBlobClient, options: UrlOptions): Promise<string> {
    const { contentDisposition, contentType } = options;
    // The service counts in seconds, and the URL must not work for longer.
    const end = Math.floor((Date.now() + Math.min(longestUrl, options.expiresIn)) / 1000) * 1000;
    const asked: BlobGenerateSasUrlOptions = {
      permissions: BlobSASPermissions.parse('r'),
      expiresOn: new Date(end),
      ...(contentType && { contentType }),
      ...(contentDisposition && { contentDisposition }),
    };
    switch (credentialOf(this.container)) {
      case 'shared key':
        return blob.generateSasUrl(asked);
      case 'token':
        return blob.generateUserDelegationSasUrl(asked, await this.#keyUntil(end));
      case undefined:
        throw new FileFieldError(
          'unsupported',
          'The client cannot sign URLs: make it with the account key, or with a credential of Entra ID.',
        );
    }
  }

  /** A key that is valid until then; one request for many URLs. */
  async #keyUntil(end: number): Promise<UserDelegationKey> {
    const known = this.#delegated;
    const key = await known?.catch(() => undefined);
    if (key && key.signedExpiresOn.getTime() >= end) return key;
    // Another URL may have asked for a key meanwhile.
    if (this.#delegated === known) this.#delegated = this.#askForKey();
    return this.#delegated!;
  }

  async #askForKey(): Promise<UserDelegationKey> {
    const { url } = this.container;
    const account = new URL(url);
    account.pathname = account.pathname.replace(/[^/]*\/?$/, '');
    // Retries, proxies and time limits are those of the client.
    const { pipeline } = this.container as unknown as { readonly pipeline: Pipeline };
    const service = new BlobServiceClient(account.href, pipeline);
    const now = Date.now();
    return service.getUserDelegationKey(new Date(now - skew), new Date(now + keyLife - skew));
  }
}

/** Not by its class: two copies of the SDK may be installed. */
function credentialOf({ credential }: ContainerClient): Credential {
  if ('computeHMACSHA256' in credential) return 'shared key';
  return 'getToken' in credential ? 'token' : undefined;
}
