// Checks the content of a file by its schema: the error states the file and the first invalid field.
import type { z } from 'zod';
import { defined, type ErrorCode, MienError } from 'mien-engine/base';

export interface DataSource {
  /** `format` by default. */
  readonly code?: ErrorCode;
  readonly file?: string | undefined;
  /** Starts the message: `is not a valid annotations file`. */
  readonly fault?: string;
  readonly hint?: string | undefined;
}

/** @throws MienError with the code of the source */
export function checkData<T extends z.ZodType>(
  schema: T,
  value: unknown,
  { code = 'format', file, fault, hint }: DataSource,
): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (issue === undefined) throw result.error;
  throw new MienError(code, fault === undefined ? issue.message : `${fault}: ${issue.message}`, {
    ...defined({ file, field: issue.path.join('.') || undefined }),
    hint,
  });
}
