import { compoundTypes, otherCompound } from './compound.js';
import { mimetypeTypes, packageTypes } from './office.js';
import { namedTexts } from './text.js';

// What is told by a signature, by top-level type.
const signed: Readonly<Record<string, string>> = {
  application: `
    avro dicom eps gzip java-vm mxf ogg pdf pgp-encrypted postscript rtf vnd.apache.arrow.file vnd.apache.parquet
    vnd.google.draco vnd.iccprofile vnd.ms-asf vnd.ms-cab-compressed vnd.ms-fontobject vnd.ms-htmlhelp
    vnd.rn-realmedia vnd.sketchup.skp vnd.tcpdump.pcap x-7z-compressed x-ace-compressed x-apple-diskimage x-arj
    x-asar x-blender x-bzip2 x-compress x-cpio x-deb x-elf x-esri-shape x-ft-windows-registry-hive
    x-google-chrome-extension x-indesign x-jmp-data x-lz4 x-lzh-compressed x-lzip x-mach-binary x-mie
    x-mobipocket-ebook x-ms-regedit x-msdownload x-nintendo-nes-rom x-rar-compressed x-rpm x-shockwave-flash
    x-spss-sav x-sqlite3 x-tar x-unix-archive x-xz x.apple.alias x.autodesk.fbx x.ms.shortcut zstd
  `,
  audio: `
    aac aiff amr ape flac midi mp4 mpeg ogg qcelp vnd.dolby.dd-raw wav wavpack x-dsf x-it x-m4a x-ms-asf x-musepack
    x-s3m x-voc x-xm
  `,
  font: `
    collection otf ttf woff woff2
  `,
  image: `
    apng avif bmp bpg flif gif heic heic-sequence heif heif-sequence icns j2c jls jp2 jpeg jpm jpx jxl ktx mj2 png
    tiff vnd.adobe.photoshop vnd.dwg vnd.ms-photo webp x-adobe-dng x-canon-cr2 x-canon-cr3 x-fujifilm-raf x-icon
    x-nikon-nef x-olympus-orf x-panasonic-rw2 x-sony-arw x-xcf
  `,
  model: `
    gltf-binary stl
  `,
  text: `
    vtt
  `,
  video: `
    3gpp 3gpp2 MP1S MP2P matroska mp2t mp4 mpeg ogg quicktime vnd.avi webm x-flv x-m4v x-ms-asf
  `,
};

/** Every type that an upload can get, without parameters and in lower case. */
export const knownTypes: ReadonlySet<string> = new Set([
  ...Object.entries(signed).flatMap(([top, subtypes]) =>
    subtypes
      .trim()
      .split(/\s+/)
      .map((subtype) => `${top}/${subtype.toLowerCase()}`),
  ),
  ...namedTexts,
  ...compoundTypes,
  ...packageTypes,
  ...mimetypeTypes,
  otherCompound,
  'application/java-archive',
  'application/octet-stream',
  'application/vnd.android.package-archive',
  'application/x-xpinstall',
  'application/xml',
  'application/zip',
  'image/svg+xml',
  'text/html',
]);

// Other names of these types, and what comes of types that no upload gets.
const instead: Readonly<Record<string, string>> = {
  'application/csv': 'text/csv',
  'application/javascript': 'text/plain',
  'application/vnd.rar': 'application/x-rar-compressed',
  'application/wasm': 'application/octet-stream',
  'application/x-gzip': 'application/gzip',
  'application/x-javascript': 'text/plain',
  'application/x-ole-storage': 'application/x-cfb',
  'application/x-rar': 'application/x-rar-compressed',
  'application/x-yaml': 'text/yaml',
  'application/x-zip-compressed': 'application/zip',
  'application/xhtml+xml': 'text/html',
  'application/yaml': 'text/yaml',
  'audio/m4a': 'audio/x-m4a',
  'audio/mp3': 'audio/mpeg',
  'audio/wave': 'audio/wav',
  'audio/x-aiff': 'audio/aiff',
  'audio/x-flac': 'audio/flac',
  'audio/x-wav': 'audio/wav',
  'image/jpg': 'image/jpeg',
  'image/pjpeg': 'image/jpeg',
  'image/vnd.microsoft.icon': 'image/x-icon',
  'image/x-ms-bmp': 'image/bmp',
  'text/rtf': 'application/rtf',
  'text/xml': 'application/xml',
  'video/avi': 'video/vnd.avi',
  'video/x-matroska': 'video/matroska',
  'video/x-msvideo': 'video/vnd.avi',
};

/**
 * The type to accept in place of one that no upload gets: the name that this library uses, or the type under which such
 * files are stored. Undefined if there is none.
 */
export function typeInstead(type: string): string | undefined {
  if (Object.hasOwn(instead, type)) return instead[type];
  if (/[/+]xml$/.test(type)) return 'application/xml';
  return type.startsWith('text/') ? 'text/plain' : undefined;
}
