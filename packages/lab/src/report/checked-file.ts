// Validates a file's JSON by its schema, with an error that states the file and the first invalid field.
import type { z } from 'zod';
import { MienError } from 'mien-engine/base';

/** @throws MienError `format`. */
export function checkedFile<T extends z.ZodType>(
  schema: T,
  value: unknown,
  of: { readonly file?: string; readonly hint: string },
): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  throw new MienError('format', issue.message, { ...of, field: issue.path.join('.') });
}
