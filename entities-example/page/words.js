// Texts for users: sizes, types, and reasons why a file was refused.
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

/** Returns a sentence for a response that is not ok; `response` is undefined if there was none. */
export async function refusal(response, name = '', slug = '') {
  if (!response) return 'We can’t reach the server. Check your connection and try again.';
  const { code, limit } = await response.json().catch(() => ({}));
  const file = name ? `“${name}”` : 'this file';
  switch (code) {
    case 'too_large':
      return `We can’t accept ${file}: it is larger than ${size(limit)}.`;
    case 'wrong_type':
      return `We can’t accept ${file}: its content is not ${list(limit)}.`;
    case 'slug_taken':
      return slug
        ? `The slug “${slug}” is already in use. Choose another one.`
        : `We found no free slug for ${file}. Enter one.`;
    case 'invalid_slug':
      return `“${slug}” is not a valid slug. Use lower-case letters, digits and single hyphens.`;
    case 'missing_file':
      return 'Choose a file first.';
    case 'not_found':
      return `We can’t find ${file}: it was deleted.`;
    case 'busy':
      return 'The database is busy. Try again in a moment.';
    case 'no_space':
      return 'The disk of the server is full.';
    default:
      return `We couldn’t process ${file}: the server responded with status ${response.status}.`;
  }
}

function list(types) {
  return new Intl.ListFormat('en', { type: 'disjunction' }).format(types.map(typeName));
}
