import type { FileFieldOptions } from 'filefield';

/** The options of the field `file` of a document. The entities of both ORMs and the page use them. */
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

/** The options of the field `image` of a photo. SVG is not accepted, since it can run scripts. */
export const photoImage = {
  storage: 'photos',
  accept: ['image/png', 'image/jpeg', 'image/gif', 'image/webp'],
  maxSize: '20 MB',
} as const satisfies FileFieldOptions;
