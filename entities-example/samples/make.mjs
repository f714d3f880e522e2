// Makes the samples again: node entities-example/samples/make.mjs (needs ffmpeg). The application never runs this.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

process.chdir(new URL('.', import.meta.url).pathname);
const ffmpeg = (...args) => execFileSync('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-y', ...args]);
const source = (...args) => args.flatMap((graph) => ['-f', 'lavfi', '-i', graph]);
// The same bytes each time, as far as the encoders allow it.
const plain = ['-map_metadata', '-1', '-fflags', '+bitexact', '-flags', '+bitexact'];

ffmpeg(...source('mandelbrot=size=1200x800:start_scale=0.016:start_x=-0.7453:start_y=0.1127'), ...plain, '-frames:v', '1', '-q:v', '7', 'mandelbrot.jpg');
ffmpeg(...source('gradients=size=1200x800:seed=7:nb_colors=4:c0=0x14213d:c1=0x3a506b:c2=0xf4a259:c3=0xf25c54:x0=0:y0=0:x1=0:y1=799'), ...plain, '-frames:v', '1', '-q:v', '4', 'dusk.jpg');

// A soft chord whose tones swell one after the other.
const chord = [196, 246.94, 293.66, 369.99].map((hertz, i) => `0.06*(1+sin(2*PI*t/${7 + 3 * i}))*sin(2*PI*${hertz}*t)`);
const sound = (seconds) => `aevalsrc=${chord.join('+')}:s=48000:d=${seconds}`;
const fade = (seconds) => ['-af', `afade=t=in:d=2,afade=t=out:st=${seconds - 3}:d=3`];
ffmpeg(...source(sound(20)), ...plain, ...fade(20), '-c:a', 'libopus', '-b:a', '48k', 'chord.ogg');

// -cues_to_front: the index of a WebM comes first, so that one request is enough to seek.
const zoom = 'mandelbrot=size=640x360:rate=20:start_x=-0.743643887:start_y=0.131825904:end_scale=0.00002:end_pts=800';
ffmpeg(...source(zoom, sound(40)), ...plain, ...fade(40), '-t', '40', '-c:v', 'libvpx-vp9', '-b:v', '320k', '-maxrate', '450k', '-bufsize', '1000k',
  '-g', '60', '-deadline', 'good', '-cpu-used', '4', '-row-mt', '1', '-pix_fmt', 'yuv420p', '-c:a', 'libopus', '-b:a', '48k', '-cues_to_front', '1', 'zoom.webm');

writeFileSync('handbook.pdf', pdf([
  ['filefield', 'A sample document', '', 'A file column behaves like a column:', 'saved with the row, deleted with the row,', 'undone by a rollback, safe in a crash.'],
  ['Page two', '', 'This file was read from a DiskStorage.', 'Its URL contains a slug, its bytes are', 'sent in ranges, its name is UTF-8.', '', 'It has no fonts, images or text of others.'],
]));

/** A small PDF 1.4: one content stream per page, and a standard font that every reader has. */
function pdf(pages) {
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Count ${pages.length} /Kids [${pages.map((_, i) => `${4 + 2 * i} 0 R`).join(' ')}] >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>',
  ];
  pages.forEach(([title, ...lines], i) => {
    const content = [
      '0.08 0.13 0.24 rg 0 742 595 100 re f', '0.96 0.64 0.35 rg 0 734 595 8 re f',
      `1 g BT /F1 34 Tf 56 780 Td (${title}) Tj ET`,
      `0.1 g BT /F1 18 Tf 56 680 Td 28 TL ${lines.map((line) => `(${line}) Tj T*`).join(' ')} ET`,
      `0.5 g BT /F1 11 Tf 56 40 Td (${i + 1} / ${pages.length}) Tj ET`,
    ].join('\n');
    objects.push(
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents ${5 + 2 * i} 0 R >>`,
      `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    );
  });
  let text = '%PDF-1.4\n';
  const offsets = objects.map((object, i) => {
    const offset = text.length;
    text += `${i + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(offset).padStart(10, '0')} 00000 n \n`;
  });
  const table = text.length;
  return `${text}xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${offsets.join('')}trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${table}\n%%EOF\n`;
}
