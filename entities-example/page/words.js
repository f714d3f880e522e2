// What is said to people: sizes, types, and why something was refused.
const names = {
  'application/pdf': 'PDF',
  'text/plain': 'plain text',
  'text/markdown': 'Markdown',
  'text/csv': 'CSV',
  'video/webm': 'WebM video',
  'video/mp4': 'MP4 video',
  'audio/mpeg': 'MP3',
  'audio/ogg': 'Ogg audio',
  'audio/wav': 'WAV',
  'image/png': 'PNG',
  'image/jpeg': 'JPEG',
  'image/gif': 'GIF',
  'image/webp': 'WebP',
};

export function typeName(type) {
  return names[type] ?? type;
}

export function size(bytes) {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'];
  let unit = 0;
  let value = bytes;
  for (; value >= 1000 && unit < units.length - 1; unit += 1) value /= 1000;
  return new Intl.NumberFormat('en', {
    style: 'unit',
    unit: units[unit],
    unitDisplay: unit === 0 ? 'long' : 'short',
    maximumFractionDigits: value < 10 && unit > 0 ? 1 : 0,
  }).format(value);
}

/** A sentence for an answer that is not ok; `response` is undefined when there was none. */
export async function refusal(response, name = '', slug = '') {
  if (!response) return 'The server cannot be reached, or the connection was lost.';
  const { error, limit } = await response.json().catch(() => ({}));
  const file = name ? `“${name}”` : 'The file';
  switch (error) {
    case 'too_large':
      return `${file} is too large: at most ${size(limit)} are accepted.`;
    case 'wrong_type':
      return `${file} is, judged by its bytes, of a type that is not accepted. Accepted are ${list(limit)}.`;
    case 'slug_taken':
      return slug ? `The address “${slug}” is taken; choose another.` : `No free address was found for ${file}.`;
    case 'invalid_slug':
      return `“${slug}” cannot be an address: use lower-case letters and digits, joined by hyphens.`;
    case 'missing_file':
      return 'No file was chosen.';
    case 'not_found':
      return `${file} is gone: somebody deleted it.`;
    case 'busy':
      return 'The database is busy; try again in a moment.';
    case 'no_space':
      return 'The disk of the server is full.';
    default:
      return `${file} could not be processed: the server answered ${response.status}.`;
  }
}

function list(types) {
  return new Intl.ListFormat('en', { type: 'conjunction' }).format(types.map(typeName));
}
