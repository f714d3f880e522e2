const openXml = 'application/vnd.openxmlformats-officedocument';
const openDocument = 'application/vnd.oasis.opendocument';

/** Packages of Office (ECMA-376), by the content type of their main part. Those with macros come first. */
export const packageTypes = [
  'application/vnd.ms-word.document.macroenabled.12',
  'application/vnd.ms-word.template.macroenabled.12',
  'application/vnd.ms-excel.sheet.macroenabled.12',
  'application/vnd.ms-excel.template.macroenabled.12',
  'application/vnd.ms-excel.addin.macroenabled.12',
  'application/vnd.ms-excel.sheet.binary.macroenabled.12',
  'application/vnd.ms-powerpoint.presentation.macroenabled.12',
  'application/vnd.ms-powerpoint.slideshow.macroenabled.12',
  'application/vnd.ms-powerpoint.template.macroenabled.12',
  'application/vnd.ms-powerpoint.addin.macroenabled.12',
  `${openXml}.wordprocessingml.document`,
  `${openXml}.wordprocessingml.template`,
  `${openXml}.spreadsheetml.sheet`,
  `${openXml}.spreadsheetml.template`,
  `${openXml}.presentationml.presentation`,
  `${openXml}.presentationml.slideshow`,
  `${openXml}.presentationml.template`,
  'application/vnd.visio',
  'model/3mf',
] as const;

/** Archives whose entry `mimetype` is their type: OpenDocument (part 2, section 3.3) and EPUB (OCF section 4.3). */
export const mimetypeTypes: ReadonlySet<string> = new Set([
  'application/epub+zip',
  ...['text', 'spreadsheet', 'presentation', 'graphics'].flatMap((kind) => [
    `${openDocument}.${kind}`,
    `${openDocument}.${kind}-template`,
  ]),
]);

/**
 * The type of a package, from its part `[Content_Types].xml`. One that names several main parts is taken for the one with
 * macros: what a field accepts must not depend on which of them a program opens.
 */
export function packageType(contentTypes: string): string | undefined {
  // SheetJS declares a default for binary sheets in every workbook, so what is said of one part counts first.
  return typeIn(contentTypes, /<(?:\w+:)?Override\s[^>]*/g) ?? typeIn(contentTypes, /<(?:\w+:)?Default\s[^>]*/g);
}

function typeIn(contentTypes: string, elements: RegExp): string | undefined {
  const named = new Set<string>();
  for (const [element] of contentTypes.matchAll(elements)) {
    named.add(typeOfPart(/\sContentType\s*=\s*["']([^"']*)/.exec(element)?.[1] ?? ''));
  }
  return packageTypes.find((type) => named.has(type));
}

function typeOfPart(contentType: string): string {
  const part = contentType.toLowerCase();
  if (part === 'application/vnd.ms-package.3dmanufacturing-3dmodel+xml') return 'model/3mf';
  const main = /^(.+)\.main(?:\+xml)?$/.exec(part)?.[1];
  if (main === undefined) return '';
  if (main === 'application/vnd.ms-visio.drawing') return 'application/vnd.visio';
  return main.replace(/macroenabled(?:template)?$/, 'macroenabled.12');
}

// What the names of entries tell if the part that says it is out of reach.
const folders: readonly (readonly [entry: RegExp, type: string])[] = [
  [/^word\/vbaProject\.bin$/, 'application/vnd.ms-word.document.macroenabled.12'],
  [/^xl\/vbaProject\.bin$/, 'application/vnd.ms-excel.sheet.macroenabled.12'],
  [/^xl\/(?:workbook|worksheets\/sheet\d+)\.bin$/, 'application/vnd.ms-excel.sheet.binary.macroenabled.12'],
  [/^ppt\/vbaProject\.bin$/, 'application/vnd.ms-powerpoint.presentation.macroenabled.12'],
  [/^word\//, `${openXml}.wordprocessingml.document`],
  [/^xl\//, `${openXml}.spreadsheetml.sheet`],
  [/^ppt\//, `${openXml}.presentationml.presentation`],
];

/** The type of a package of which only the first entries can be seen. */
export function packageOfEntries(names: readonly string[]): string | undefined {
  return folders.find(([entry]) => names.some((name) => entry.test(name)))?.[1];
}
