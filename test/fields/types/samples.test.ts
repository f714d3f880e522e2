import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { typeOfFile, typeOfStream } from '../../support/recognise.js';

const folder = path.resolve('test/cases/types');
const open = 'application/vnd.openxmlformats-officedocument';

/** Files that these programs wrote; each file has the name of its program. */
const samples: readonly (readonly [file: string, program: string, type: string])[] = [
  ['npm-docx.docx', 'docx 9.15', `${open}.wordprocessingml.document`],
  ['exceljs.xlsx', 'ExcelJS 4.4', `${open}.spreadsheetml.sheet`],
  ['exceljs-stream.xlsx', 'the stream writer of ExcelJS 4.4', `${open}.spreadsheetml.sheet`],
  ['sheetjs.xlsx', 'SheetJS 0.18', `${open}.spreadsheetml.sheet`],
  ['sheetjs.xlsm', 'SheetJS 0.18', 'application/vnd.ms-excel.sheet.macroenabled.12'],
  ['sheetjs.xlsb', 'SheetJS 0.18', 'application/vnd.ms-excel.sheet.binary.macroenabled.12'],
  ['sheetjs.ods', 'SheetJS 0.18', 'application/vnd.oasis.opendocument.spreadsheet'],
  ['sheetjs.xls', 'SheetJS 0.18, BIFF 8', 'application/vnd.ms-excel'],
  ['sheetjs-5.xls', 'SheetJS 0.18, BIFF 5', 'application/vnd.ms-excel'],
  ['jszip-stream.zip', 'JSZip 3.10', 'application/zip'],
  ['sharp.png', 'sharp', 'image/png'],
  ['sharp.jpeg', 'sharp', 'image/jpeg'],
  ['sharp.gif', 'sharp', 'image/gif'],
  ['sharp.webp', 'sharp', 'image/webp'],
  ['sharp.tiff', 'sharp', 'image/tiff'],
  ['sharp.avif', 'sharp', 'image/avif'],
];

it.each(samples)('%s of %s is %s', async (file, _program, type) => {
  const bytes = readFileSync(path.join(folder, file));
  expect(await typeOfStream(bytes)).toBe(type);
  expect(await typeOfStream(bytes, 'a.txt', 100)).toBe(type);
  expect(await typeOfFile(bytes)).toBe(type);
});

it('every sample is in the table', () => {
  expect(readdirSync(folder).sort()).toEqual(samples.map(([file]) => file).sort());
});
