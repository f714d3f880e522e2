import path from 'node:path';

/**
 * The type that the extension of a name stands for; the empty string if there is none. Where bytes have a type of their own, a
 * name only chooses between harmless ones: see `recogniseType`.
 */
export async function namedType(name: string): Promise<string> {
  const extension = path.extname(name);
  if (extension === '') return '';
  // Loaded at the first upload that asks for it: to read its large table takes a program's start longer than all other code
  // of fields does.
  const { default: mime } = await import('mime-types');
  const type = mime.lookup(extension);
  return type === false ? '' : type;
}
