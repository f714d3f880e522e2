import { parse } from 'content-disposition';
<<<<<<< HEAD:test/http/disposition-cases.test.ts
import { contentDisposition } from '../../src/http/disposition.js';
import { sharedCases } from '../shared-cases.js';
=======
import { contentDisposition } from '../../src/response/content-disposition.js';
import { nameCases } from '../cases/names.js';
>>>>>>> alone:test/response/content-disposition-cases.test.ts

describe('the cases of Content-Disposition', () => {
  it.each(nameCases)('$title', ({ type, name, saved }) => {
    const value = contentDisposition(type, name);
    expect(value).toMatch(/^[\x20-\x7e]+$/);
    expect(parse(value)).toMatchObject({ type, parameters: saved === undefined ? {} : { filename: saved } });
    expect(value.includes('filename')).toBe(saved !== undefined);
  });
});
