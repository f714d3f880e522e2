import { toUpload } from '../upload-source.js';
import { tooLongText, type FormCollector } from './collector.js';

/** Hands the entries of a form that was parsed already to the collector, one file after the other. */
export async function readFormData<File>(data: FormData, form: FormCollector<File>): Promise<void> {
  const { maxFieldSize } = form.limits;
  for (const [field, value] of data.entries()) {
    form.signal.throwIfAborted();
    if (typeof value === 'string') {
      if (Buffer.byteLength(value) > maxFieldSize) throw tooLongText(field, maxFieldSize);
      form.text(field, value);
    } else if (value.size === 0 && value.name === '') form.empty();
    else await form.file(field, await toUpload(value));
  }
}
