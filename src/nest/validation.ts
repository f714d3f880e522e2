import { registerDecorator, type ValidationOptions } from 'class-validator';
import { isStoredFile } from '../file/stored-file.js';
import { describeFile } from './openapi.js';
import { originalOf } from './received.js';

/**
 * A rule of class-validator for a property that `@ReceiveFiles()` fills: it is a file that was received with this request. For a
 * list of files set `each`; for one that may be absent add `@IsOptional()`. The rules of the file field, such as its size, were
 * applied before.
 *
 * @example
 * ```ts
 * import { Length } from 'class-validator';
 * import type { StoredFile } from 'filefield';
 * import { IsStagedFile } from 'filefield/nest/validation';
 *
 * export class CreateDocument {
 *   @Length(3, 80) title!: string;
 *   @IsStagedFile() file!: StoredFile;
 * }
 * ```
 */
export function IsStagedFile(options: ValidationOptions = {}): PropertyDecorator {
  return (prototype, property) => {
    const name = String(property);
    describeFile(prototype, name, options.each === true);
    registerDecorator({
      name: 'isStagedFile',
      target: prototype.constructor,
      propertyName: name,
      options: { message: `${options.each ? 'each value in ' : ''}$property must be a file`, ...options },
      // ValidationPipe validates copies.
      validator: { validate: (value: unknown) => isStoredFile(originalOf(value)) },
    });
  };
}
