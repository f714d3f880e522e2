import { parse } from 'content-disposition';
import { contentDisposition } from '../../src/http/disposition.js';
import { nameCases } from '../cases/names.js';

describe('the cases of Content-Disposition', () => {
  it.each(nameCases)('$title', ({ type, name, saved }) => {
    const value = contentDisposition(type, name);
    expect(value).toMatch(/^[\x20-\x7e]+$/);
    expect(parse(value)).toMatchObject({ type, parameters: saved === undefined ? {} : { filename: saved } });
    expect(value.includes('filename')).toBe(saved !== undefined);
  });
});
