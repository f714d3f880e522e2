import type { FileFieldOptions } from 'filefield';

/** What the field `file` of a document takes. Written once: the entities of both ORMs and the page use it. */
export const documentFile = {
  storage: 'documents',
  accept: [
    'application/pdf',
    'text/plain',
    'text/markdown',
    'text/csv',
    'video/webm',
    'video/mp4',
    'audio/mpeg',
    'audio/ogg',
    'audio/wav',
  ],
  maxSize: '1 GB',
} as const satisfies FileFieldOptions;

/** What the field `image` of a photo takes. No SVG: it is a program, not a picture. */
export const photoImage = {
  storage: 'photos',
  accept: ['image/png', 'image/jpeg', 'image/gif', 'image/webp'],
  maxSize: '20 MB',
} as const satisfies FileFieldOptions;
