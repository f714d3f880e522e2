import type { Kind } from '../accidents.js';

export const uploads = {
  heading: 'Uploads',
  accidents: {
    'empty-field-name-crashes': {
      title: 'A part with an empty name ended the process',
      project: 'multer',
      year: 2025,
      link: 'https://osv.dev/vulnerability/GHSA-g5hg-p3ph-g8qg',
      story:
        'One form with a file in a field named "" raised an exception that nothing caught, and the whole Node process ended (CVE-2025-48997).',
      here: 'Such a form gets a 413 like any file in a field that takes none.',
    },
    'cut-off-form-crashes': {
      title: 'A form without its closing boundary ended the process',
      project: 'multer',
      year: 2023,
      link: 'https://github.com/expressjs/multer/issues/1176',
      story:
        'A form that ended in the middle of a file made the parser emit an error that nobody listened to. One request was enough to stop a server.',
      here: 'The upload rejects with `malformed_upload`, the client gets a 400, and nothing is kept.',
    },
    'cut-off-empty-file-crashes': {
      title: 'A slightly different form ended the process after the fix',
      project: 'multer',
      year: 2025,
      link: 'https://github.com/expressjs/multer/issues/1338',
      story:
        'Version 2.0.1 handled the form of the first advisory. With an empty file name and a boundary that lacks its last character the process still ended.',
      here: 'Every part has a listener for its errors, also one in which no file was chosen.',
    },
    'aborted-uploads-leak': {
      title: 'Each upload that broke off leaked a stream and a descriptor',
      project: 'multer',
      year: 2025,
      link: 'https://osv.dev/GHSA-44fp-w29j-9vj5',
      story:
        'When the request failed, the parser behind it was never closed. Under many broken connections, memory and descriptors ran out (CVE-2025-47935).',
      here: 'When the client goes away, the parser, the part and the file that is being written are closed at once.',
    },
    'aborted-uploads-fill-the-disk': {
      title: 'Partial files of broken uploads filled the disk',
      project: 'multer',
      year: 2026,
      link: 'https://osv.dev/vulnerability/GHSA-3p4h-7m6x-2hcm',
      story:
        'Clients that broke off their uploads, or sent malformed ones, left partial files in the folder, which nothing deleted.',
      here: 'The temporary file is deleted when the upload fails; after a `kill -9` a sweep does it.',
    },
    'two-field-names-crash': {
      title: 'Two text fields with crafted names ended the process',
      project: 'multer',
      year: 2026,
      link: 'https://osv.dev/vulnerability/GHSA-wc9g-mqfw-jrwm',
      story:
        'Two crafted names of text fields made their parser ask for an array of an impossible length, and the exception passed by every error handler (CVE-2026-77078).',
      here: 'The name of a field is a string and nothing else.',
    },
    'nested-field-names-eat-memory': {
      title: 'Deeply nested field names took CPU and memory',
      project: 'multer',
      year: 2026,
      link: 'https://osv.dev/vulnerability/CVE-2026-5079',
      story:
        'Names such as `a[b][c]` became objects without a limit of their depth. A single request could keep a server busy.',
      here: 'Names are not parsed, and a name of more than 100 bytes is refused.',
    },
    'part-header-named-like-a-prototype': {
      title: 'A part header named __proto__ crashed the parser',
      project: '@fastify/busboy',
      year: 2026,
      link: 'https://osv.dev/vulnerability/GHSA-x8mw-p69m-v3mx',
      story:
        'The parser collected the headers of a part in a plain object and called `push` on what it found under their names: for `__proto__` or `constructor` that was no list.',
      here: 'The form is accepted or refused like any other, and the server goes on.',
    },
    'malformed-part-header-crashes': {
      title: 'A malformed part header crashed every server with the parser',
      project: 'dicer',
      year: 2022,
      link: 'https://osv.dev/vulnerability/GHSA-wm7h-9275-46v2',
      story:
        'A modified form made the header parser fail outside of any handler. Repeating it kept a service down, and the package never got a fix (CVE-2022-24434).',
      here: 'A header that cannot be parsed is `malformed_upload`.',
    },
    'skipped-part-crashes': {
      title: 'A part beyond the limit that broke off ended the process',
      project: '@fastify/busboy',
      year: 2026,
      link: 'https://raw.githubusercontent.com/CVEProject/cvelistV5/main/cves/2026/124xxx/CVE-2026-124724.json',
      story:
        'After the limit of parts, further ones were skipped without a listener. If the body ended within such a part, its error was nobody’s, and the process ended (CVE-2026-124724).',
      here: 'A limit that is exceeded ends the parsing, and the client gets a 413.',
    },
    'field-name-pollutes-prototypes': {
      title: 'The name of a file field changed every object of the process',
      project: 'express-fileupload',
      year: 2020,
      link: 'https://github.com/richardgirges/express-fileupload/issues/236',
      story:
        'With nested parsing, a file in a field named `__proto__.toString` replaced the function of all objects: first the requests failed, and in some applications code could be run (CVE-2020-7699).',
      here: 'Fields have no prototype, their names are not parsed, and a file in an unknown field is refused.',
    },
    'forged-file-object': {
      title: 'An object in a JSON body was taken for an uploaded file',
      project: '@fastify/multipart',
      year: 2026,
      link: 'https://www.tenable.com/cve/CVE-2026-124289',
      story:
        'A helper treated any object of the body that looked like a file as one. Clients could write bytes past all limits, under a name of their choice (CVE-2026-124289).',
      here: 'Only what `stage` and `receive` resolve to can be assigned; an object from a request is refused before it reaches SQL.',
    },
    'file-name-leaves-the-folder': {
      title: 'A file name with ../ wrote anywhere on the disk',
      project: 'FileCodeBox',
      link: 'https://github.com/vastsa/FileCodeBox/issues/349',
      story:
        'The path of an upload was made of the name that the client had sent. A name that climbed to the home of root could put a file of SSH keys there.',
      here: 'Nothing that a client sends is part of a key; the name is kept without its folders, in the row.',
    },
    'broken-upload-replaces-the-file': {
      title: 'An upload that broke off replaced the good file',
      project: 'Nextcloud',
      year: 2026,
      link: 'https://github.com/nextcloud/server/issues/62321',
      story:
        'A password database was saved over a connection that dropped. The server noticed, answered 400, and kept the torso as the file, which all other clients then synchronised.',
      here: 'The row has the old file until the new one is complete: a broken upload changes nothing.',
    },
    'same-name-overwrites': {
      title: 'The upload of one user overwrote the image of another',
      project: 'django-storages',
      year: 2015,
      link: 'https://github.com/jschneier/django-storages/issues/50',
      story:
        'Two users uploaded images with the same name to two products. By default the bucket had one object for both: the second image.',
      here: 'Each upload gets a random key; names may be equal.',
    },
    'names-that-differ-in-case': {
      title: 'Of a.jpg and A.jpg only one survived',
      project: 'OpenCloud',
      year: 2025,
      link: 'https://github.com/opencloud-eu/web/issues/788',
      story:
        'Two files whose names differ in their case only were uploaded together. Both uploads seemed to work, and one file was missing.',
      here: 'Names are not part of keys, and keys have lower-case letters only.',
    },
    'check-then-write': {
      title: 'Two uploads found the same name free and one was lost',
      project: 'django-s3-storage',
      year: 2026,
      link: 'https://github.com/etianen/django-s3-storage/issues/165',
      story:
        'With overwriting turned off, the storage asked whether a name exists and then wrote. Two processes that asked at the same time both wrote, and the second won.',
      here: 'A storage refuses a key that is taken as part of the write itself; of two writers exactly one succeeds.',
    },
    'overwritten-after-the-check': {
      title: 'An upload address could be used again after the check',
      project: 'Moadong',
      year: 2026,
      link: 'https://github.com/Moadong/moadong/issues/2089',
      story:
        'A signed address accepted uploads until it expired. The size was checked once, after the first; a second upload to the same address put anything behind the checked key.',
      here: 'An object never changes: what the rules of the field have seen is what is served, with its SHA-256.',
    },
    'too-large-uploads-stay-in-tmp': {
      title: 'Uploads over the limit stayed in the temporary folder',
      project: 'express-fileupload',
      year: 2019,
      link: 'https://github.com/richardgirges/express-fileupload/issues/155',
      story:
        'A file over the size limit was refused, and its temporary file stayed, without a path by which the application could have deleted it. Repeated, that filled the disk.',
      here: 'An upload ends at the first byte over its limit, and the file is deleted.',
    },
    'refused-upload-stays-in-the-bucket': {
      title: 'An upload that was refused stayed in the bucket',
      project: 'Payload',
      year: 2026,
      link: 'https://github.com/payloadcms/payload/issues/18155',
      story:
        'Browsers stored files before the server looked at them. A text named `.jpg` was refused with a 400, and its object stayed, unknown to the database.',
      here: 'The first bytes decide about the type before anything is stored.',
    },
    'declared-type-bypasses-the-list': {
      title: 'A declared type passed the list of allowed types',
      project: 'CarrierWave',
      year: 2023,
      link: 'https://github.com/advisories/GHSA-gxhx-g4fq-49hj',
      story:
        'The type that the client declared was compared in part: `text/html;image/png` passed a list with `image/png`, and the file was later served with it, scripts included (CVE-2023-49090).',
      here: 'The bytes decide about the type, never what the client declares.',
    },
  },
} satisfies Kind;
