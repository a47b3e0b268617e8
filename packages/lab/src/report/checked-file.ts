// A file's JSON against its schema, with an error that names the file and the first wrong field.
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
