import type { Kind } from '../accidents.js';

export const reapers = {
  heading: 'Clean-up jobs that deleted too much, or too little',
  accidents: {
    'reaper-does-not-know-a-column': {
      title: 'The clean-up job did not know a column and deleted its images',
      project: 'Discourse',
      year: 2021,
      link: 'https://github.com/discourse/discourse/pull/12326',
      story:
        'The job that deletes unused uploads did not look at the settings of themes, so it deleted uploads that only a theme used.',
      here: 'An entry says which column it belongs to from the first byte on. A process that does not map that column never releases or deletes the file.',
    },
    'reaper-deletes-what-is-old-and-used': {
      title: 'Media was removed because it was old, though it was in use',
      project: 'Mastodon',
      year: 2023,
      link: 'https://github.com/mastodon/mastodon/issues/23983',
      story:
        'A command pruned the avatars of remote profiles that were older than a month. It also removed those of people who posted daily, and they were not fetched again.',
      here: 'Age alone deletes nothing: a sweep deletes what no row refers to.',
    },
    'collector-deletes-a-fresh-upload': {
      title: 'The garbage collector deleted uploads that were milliseconds old',
      project: 'Quay',
      year: 2026,
      link: 'https://github.com/quay/quay/pull/6318',
      story:
        'A soak test uploaded layers while garbage was collected. Forty times a layer was confirmed, collected some milliseconds later, and unknown when the manifest that refers to it arrived.',
      here: 'An upload has a lease from before its first byte. Until it ends, no sweep and no reconcile deletes the file.',
    },
    'failed-task-deletes-shared-content': {
      title: 'A task that failed deleted the content of others',
      project: 'Pulp',
      year: 2024,
      link: 'https://github.com/pulp/pulpcore/pull/5365',
      story:
        'A failed task deleted everything that it was recorded to have created. Content that had existed before, and that others share, could be on that list.',
      here: 'A save that fails undoes its own changes of the ledger and no others. Discarding a file that a row has does nothing.',
    },
    'clean-up-leaves-a-row-without-file': {
      title: 'The clean-up command deleted the file and left its row',
      project: 'django-file-form',
      year: 2020,
      link: 'https://github.com/mbraak/django-file-form/issues/393',
      story:
        'A command for unused temporary files removed a file from the disk, while the record of the upload stayed and pointed to nothing.',
      here: 'A staged file whose bytes were swept cannot be saved any more: the save fails, and no row names missing bytes.',
    },
    'abandoned-uploads-stay': {
      title: 'Uploads of abandoned forms stayed for ever',
      project: 'Rails Active Storage',
      year: 2021,
      link: 'https://github.com/rails/rails/pull/41117',
      story:
        'Direct uploads store the file when it is dropped into the form. If the user leaves without submitting, the file stays; applications had to write a job, whose query scans two tables.',
      here: 'A sweep deletes staged files whose lease ended; an index finds them.',
    },
    'copy-of-the-database-shares-the-bucket': {
      title: 'A test system with a copy of the database would delete files of production',
      project: 'Odoo (attachment_s3)',
      year: 2023,
      link: 'https://github.com/camptocamp/odoo-cloud-platform/issues/405',
      story:
        'The add-on left objects in the bucket when attachments were deleted. The reporter concluded that this protects production: a staging system that runs on a backup names the same objects and would delete them.',
      here: 'A copy deletes nothing before its own token has stood in the storage for the fence. The original sweeps meanwhile, finds the token, and neither of the two deletes until a person says which one is the copy.',
    },
  },
} satisfies Kind;
