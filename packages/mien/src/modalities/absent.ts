// Missing images and recordings: how callers, forms and tables say that there is none, as opposed to an empty one.
import { bytesIn, isBlob } from '../base/bytes.js';

/**
 * Whether a form's file field was left empty: browsers then send a file without a name and without a byte, as
 * `new File([], '')`.
 */
export const isNoFile = (value: unknown): boolean =>
  isBlob(value) && value.size === 0 && !(value as Partial<File>).name;

/** Whether an item says that it has no image or recording. */
export const isAbsent = (source: unknown): source is null | undefined =>
  source === undefined || source === null || source === '' || isNoFile(source);

/** Whether an image or recording is given but has no bytes: a named file, a buffer. Throws what the value's getters throw. */
export const isEmptySource = (source: unknown): boolean =>
  isBlob(source) ? source.size === 0 : bytesIn(source)?.byteLength === 0;
