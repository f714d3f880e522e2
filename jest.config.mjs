// One project per pair of ORM majors, and one for another major of Nest: the same suites, another registry of modules.
const compat = (folder) => new URL(`./compat/${folder}/node_modules`, import.meta.url).pathname;
const transform = {
  '^.+\\.ts$': ['ts-jest', { useESM: true, tsconfig: '<rootDir>/tsconfig.json', diagnostics: false }],
};
const own = {
  '^(\\.{1,2}/.*)\\.js$': '$1',
  '^filefield$': '<rootDir>/src/index.ts',
  '^filefield/(typeorm|mikro-orm)$': '<rootDir>/src/orm/$1/index.ts',
  '^filefield/(node|express|fastify|koa|fetch)$': '<rootDir>/src/adapters/$1.ts',
  '^filefield/nest/(validation|serializer)$': '<rootDir>/src/nest/$1.ts',
  '^filefield/(health|nest|testing)$': '<rootDir>/src/$1/index.ts',
  '^filefield/storages/(.*)$': '<rootDir>/src/storages/$1.ts',
};
const base = {
  setupFilesAfterEnv: ['<rootDir>/test/support/setup.ts'],
  rootDir: import.meta.dirname ?? new URL('.', import.meta.url).pathname,
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/var/'],
  transform,
  moduleNameMapper: own,
};

export default {
  // A worker keeps modules of the suites that it has run; with gigabytes of them, collecting garbage takes longer than a suite.
  workerIdleMemoryLimit: '1GB',
  testSequencer: '<rootDir>/build/sequencer.mjs',
  coverageProvider: 'v8',
  collectCoverageFrom: ['src/**/*.ts'],
  coverageReporters: ['text-summary', 'html'],
  projects: [
    { ...base, displayName: 'default', testMatch: ['<rootDir>/test/**/*.test.ts'] },
    {
      ...base,
      displayName: 'typeorm-1',
      globals: { typeormMajor: 1 },
      testMatch: ['<rootDir>/test/orm/typeorm*.test.ts'],
      moduleNameMapper: { ...own, '^typeorm$': 'typeorm-1' },
    },
    {
      ...base,
      displayName: 'mikro-7',
      testMatch: ['<rootDir>/test/orm/mikro*.test.ts'],
      moduleDirectories: [compat('mikro-7'), 'node_modules'],
    },
    {
      ...base,
      displayName: 'nest-12',
      globals: { nestMajor: 12 },
      // The example has the decorators of MikroORM 6.
      testMatch: ['<rootDir>/test/nest/!(example-mikro).test.ts'],
      moduleDirectories: [compat('mikro-7'), 'node_modules'],
      // Not its whole folder: the packages that Nest brings are for Nest.
      moduleNameMapper: { ...own, '^(@nestjs/.*|@mikro-orm/nestjs)$': `${compat('nest-12')}/$1` },
    },
  ],
};
