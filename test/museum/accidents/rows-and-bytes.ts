import type { Kind } from '../accidents.js';

export const rowsAndBytes = {
  heading: 'Rows without bytes, bytes without rows',
  accidents: {
    'bulk-delete-leaves-files': {
      title: 'A bulk delete left every file behind',
      project: 'Laravel Media Library',
      year: 2017,
      link: 'https://github.com/spatie/laravel-medialibrary/issues/852',
      story:
        'An application deleted all news with one query. The rows were gone and the media stayed: the library deletes files in events of models, and such a query loads no models.',
      here: '`files.deleteMany()` releases the files in the transaction that deletes the rows. What the own bulk delete of the ORM leaves is found by a reconcile, or recorded at once with triggers.',
    },
    'cascade-leaves-files': {
      title: 'Deleting a folder left its files on the disk',
      project: 'django-filer',
      year: 2013,
      link: 'https://github.com/django-cms/django-filer/issues/288',
      story:
        'Users deleted a folder. The rows of the files went with it, and the files themselves stayed in the storage, on every storage.',
      here: 'A reconcile finds the files of rows that a cascade deleted; with triggers PostgreSQL and SQLite record them at once.',
    },
    'database-delete-keeps-the-object': {
      title: 'Deleting through the query layer kept the object in the bucket for ever',
      project: 'Strapi',
      year: 2024,
      link: 'https://github.com/strapi/strapi/issues/19474',
      story:
        'A hook deleted the row of an upload through the database layer. The media library no longer showed the file, and the bucket kept it and its bill; the maintainers did not want to change this.',
      here: 'A reconcile reports such a file by its key, and with `repair` the next sweep deletes it.',
    },
    'purge-before-commit-leaves-an-orphan': {
      title: 'A clean-up job that ran before the commit left an orphan for ever',
      project: 'Rails Active Storage',
      year: 2019,
      link: 'https://github.com/rails/rails/issues/35386',
      story:
        'Replacing a file started the job that deletes the old one inside of the transaction. A fast worker ran it before the commit, found that the old file was still attached, gave up, and nothing tried again.',
      here: 'The release is a row of the same transaction: a sweep that runs before the commit does not see it, and the next one does.',
    },
    'shared-file-deleted-with-one-row': {
      title: 'Deleting one of two rows deleted the file of both',
      project: 'django-cleanup',
      year: 2019,
      link: 'https://github.com/un1t/django-cleanup/issues/51',
      story:
        'Two rows named the same image. Deleting one of them deleted the image, and the other row pointed to nothing.',
      here: 'A field with `copies: "share"` keeps the file until the last row that has it is gone; without it a second row is refused.',
    },
    'duplicate-deletes-the-original': {
      title: 'Duplicating an entry deleted the original file',
      project: 'Payload',
      year: 2025,
      link: 'https://github.com/payloadcms/payload/issues/14209',
      story:
        'Editors duplicated a media entry in production. The hook of the storage plugin took the source for the previous version of the new entry and deleted its file from the bucket.',
      here: 'A copy gets bytes of its own. Only the release of a file that no row has leads to its deletion.',
    },
    'changed-duplicate-deletes-the-original': {
      title: 'Changing the file of a duplicate deleted the file of the original',
      project: 'Shrine',
      year: 2022,
      link: 'https://github.com/shrinerb/shrine/issues/580',
      story:
        'A record was duplicated, and the duplicate got another image. The library deleted the image that it replaced, which the original record still had.',
      here: 'A sweep looks at all rows before it deletes a released file.',
    },
    'every-duplicate-gets-the-first-file': {
      title: 'A batch of duplicates all got the first file',
      project: 'Payload',
      year: 2026,
      link: 'https://github.com/payloadcms/payload/issues/15619',
      story:
        'Several uploads were duplicated within one request. The first one left its file on the request object, and each further duplicate silently got those bytes.',
      here: '`files.stageAll()` keeps no state between its sources, and returns the files in their order.',
    },
    'recreated-file-deleted': {
      title: 'The clean-up of a deleted row deleted the file of the new row',
      project: 'django-cleanup',
      year: 2025,
      link: 'https://github.com/un1t/django-cleanup/issues/116',
      story:
        'A row was deleted and made again with a file of the same name. The upload overwrote the old object, and then the clean-up of the old row deleted it: no file was left.',
      here: 'Keys are random and never used twice, so the deletion of an old file cannot meet a new one.',
    },
    'replacement-race-deletes-the-winner': {
      title: 'An update deleted the file that had just been uploaded',
      project: 'Paperclip',
      year: 2016,
      link: 'https://github.com/thoughtbot/paperclip/issues/2207',
      story:
        'About every second replacement of a thumbnail ended without a file: the callback that deletes the old one ran after the new one had been written.',
      here: 'Ten replacements at once leave exactly one file: the one that the row has.',
    },
    'soft-delete-deletes-files': {
      title: 'A soft delete deleted the files for good',
      project: 'Laravel Media Library',
      year: 2015,
      link: 'https://github.com/spatie/laravel-medialibrary/issues/49',
      story:
        'Models with soft deletes kept their rows when they were deleted, but their media was removed at once, so that a restored model had none.',
      here: 'A soft-deleted row keeps its files unless the field says otherwise with `onSoftDelete`.',
    },
    'undelete-without-files': {
      title: 'Undoing a deletion brought the card back, but not its attachments',
      project: 'Mattermost Boards',
      year: 2025,
      link: 'https://github.com/mattermost/mattermost-plugin-boards/pull/136',
      story:
        'Deleting an attachment marked both the block and its file as deleted; undoing it restored only the block, which then showed an empty frame.',
      here: 'Restoring a row in time makes its released files live again. Once the bytes are gone, the restore itself is refused.',
    },
    'second-upload-after-trash-leaves-an-orphan': {
      title: 'Uploading a trashed file again left an orphan',
      project: 'Papra',
      year: 2025,
      link: 'https://github.com/papra-hq/papra/issues/714',
      story:
        'Uploading a document that lay in the trash restored the old one. The bytes of the new upload stayed on the disk, even after the document had been deleted completely.',
      here: 'Bytes that no row takes are deleted when their lease ends, whatever the application decided to do instead.',
    },
  },
} satisfies Kind;
