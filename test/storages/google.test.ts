import { Storage, type StorageOptions } from '@google-cloud/storage';
import { GoogleCloudStorage, type GoogleCloudStorageOptions } from 'filefield/storages/google';
import { storageContract } from 'filefield/testing';
import { GoogleModel } from '../support/google-model.js';

const model = new GoogleModel('documents');
let apiEndpoint: string;
beforeAll(async () => {
  apiEndpoint = await model.start();
});
afterAll(() => model.stop());
beforeEach(() => {
  model.objects.clear();
  model.sessions.clear();
  model.requests.length = 0;
  model.fault = () => undefined;
});

const bucketWith = (options: StorageOptions = {}, name = 'documents') =>
  new Storage({
    apiEndpoint,
    projectId: 'project',
    credentials: model.account,
    retryOptions: { maxRetryDelay: 1 },
    ...options,
  }).bucket(name);
const make = (options: Partial<GoogleCloudStorageOptions> = {}) =>
  new GoogleCloudStorage({ bucket: bucketWith(), prefix: 'a/b', ...options });

describe('GoogleCloudStorage on a model of the JSON API, which is not Google', () => {
  describe('keeps the contract', () => {
    for (const claim of storageContract(() => make())) it(claim.title, claim.run);
  });

  describe('keeps the contract with every object in chunks', () => {
    for (const claim of storageContract(() => make({ chunkSize: '256 KiB' }))) it(claim.title, claim.run);
  });
});
