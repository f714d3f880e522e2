import type { Kind } from '../accidents.js';

export const rollbacks = {
  heading: 'The database rolled back, the disk did not',
  accidents: {
    'delete-rolled-back-file-gone': {
      title: 'The delete was rolled back and the file was gone',
      project: 'CarrierWave',
      year: 2012,
      link: 'https://github.com/carrierwaveuploader/carrierwave/issues/656',
      story:
        'A callback rolled the deletion of a document back. The row was there again; its file had been removed before the commit that never came.',
      here: 'A hook deletes nothing. The release of the file is rolled back with the row.',
    },
    'replace-rolled-back-old-file-gone': {
      title: 'The replacement was rolled back and the old file was gone',
      project: 'CarrierWave',
      year: 2014,
      link: 'https://github.com/carrierwaveuploader/carrierwave/pull/1447',
      story:
        'Saving a new avatar deleted the old one at once. When the transaction was rolled back later, the row named the old file again, which no longer existed.',
      here: 'The old file stays until the transaction has committed and its grace is over.',
    },
    'rollback-deletes-an-untouched-file': {
      title: 'A rollback deleted the files of rows whose files had not changed',
      project: 'CarrierWave',
      year: 2023,
      link: 'https://github.com/carrierwaveuploader/carrierwave/issues/2685',
      story:
        'Version 3.0.2 cleaned up after a rollback. It also deleted the remote files of records of which only another column had been saved, and their links were 404 from then on.',
      here: 'Nothing runs after a rollback. A save that does not change a file does not touch its entry.',
    },
    'invalid-form-deletes-the-file': {
      title: 'A form that was never saved deleted the file',
      project: 'VichUploaderBundle',
      year: 2017,
      link: 'https://github.com/dustin10/VichUploaderBundle/issues/756',
      story:
        'A user ticked "remove" in a form that was invalid. The file was removed from the disk at once; nothing was flushed, so the row still named it.',
      here: 'Setting a field changes memory only. The file is released by the save, and deleted by a sweep after it.',
    },
    'failed-flush-deletes-the-file': {
      title: 'The database refused to delete the row, and the file was deleted',
      project: 'VichUploaderBundle',
      year: 2022,
      link: 'https://github.com/dustin10/VichUploaderBundle/issues/1266',
      story:
        'Removing an entity ran in a transaction that failed. The listener had already removed the file, so the record stayed without one.',
      here: 'A deletion that a foreign key refuses leaves the row, its file and the entry of the file as they were.',
    },
    'validation-error-purges-the-avatar': {
      title: 'A validation error deleted the avatar that the user had',
      project: 'Rails Active Storage',
      year: 2018,
      link: 'https://github.com/rails/rails/issues/31626',
      story:
        'A user sent a new avatar together with an invalid name. The update was refused, but the job that purges the old avatar had been started; from then on the record had none.',
      here: 'An update that fails changes nothing, and the new file can still be saved in the next try.',
    },
    'clean-up-before-validation': {
      title: 'The old image was deleted before the new one was checked',
      project: 'django-stdimage',
      year: 2021,
      link: 'https://github.com/codingjoe/django-stdimage/issues/229',
      story:
        'A user replaced an image by one that was too small. The old file was deleted when the form was read; then the validation refused the new one, and the row kept the name of a deleted file.',
      here: 'The rules of a field run while the upload arrives, before any row is touched.',
    },
    'rolled-back-insert-leaves-its-file': {
      title: 'The insert was rolled back and the file stayed',
      project: 'django-cleanup',
      year: 2018,
      link: 'https://github.com/un1t/django-cleanup/issues/43',
      story:
        'A row with an image was created in a transaction that was rolled back. The image stayed on the disk without a row, and parallel tests collided with what others had left.',
      here: 'A staged file that no committed row has is deleted when its lease ends.',
    },
    'refused-insert-leaves-its-file': {
      title: 'The database refused the row and the file was in the bucket',
      project: 'django-storages',
      year: 2023,
      link: 'https://github.com/jschneier/django-storages/issues/1301',
      story: 'A check constraint refused a row. Its file had been uploaded before the INSERT and stayed in the bucket.',
      here: 'The entry of the ledger, written before the first byte, knows about the file whatever happens to the row.',
    },
    'row-committed-before-its-bytes': {
      title: 'The row was committed and the upload failed afterwards',
      project: 'CarrierWave',
      year: 2021,
      link: 'https://github.com/carrierwaveuploader/carrierwave/pull/2545',
      story:
        'To avoid leftovers after a rollback, version 2 stored files after the commit. When the storage failed then, committed rows named files that had never been written.',
      here: 'The bytes are stored before the row is saved. If the storage fails, there is nothing to save.',
    },
    'gap-while-a-file-is-replaced': {
      title: 'Downloads failed while a file was replaced',
      project: 'VichUploaderBundle',
      year: 2017,
      link: 'https://github.com/dustin10/VichUploaderBundle/issues/795',
      story:
        'Updating an entity removed the old file from the bucket before the large new one was uploaded and the row was updated. Every request in between got an error.',
      here: 'The row has the old file until the new one is complete, and the old bytes stay for the grace: every download succeeds.',
    },
  },
} satisfies Kind;
