import { storageContract } from 'filefield/testing';
import { AzureBlobStorage } from 'filefield/storages/azure';
import { Azurite, haveAzurite } from '../support/azurite.js';

(haveAzurite() ? describe : describe.skip)('AzureBlobStorage on Azurite', () => {
  const server = new Azurite();
  beforeAll(() => server.start());
  afterAll(() => server.stop());
  const make = async () => {
    const container = server.service().getContainerClient('contract');
    await container.createIfNotExists();
    return new AzureBlobStorage({ container, prefix: 'a/b' });
  };
  for (const claim of storageContract(make)) it(claim.title, claim.run);
});
