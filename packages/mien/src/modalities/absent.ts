// Missing images and recordings: how callers, forms and tables say that there is none, as opposed to an empty one.
import { bytesIn, isBlob } from '../base/bytes.js';

/**
 * Whether a form's file field was left empty: browsers then send a file without a name and without a byte, as
 * `new File([], '')`.
 */
export const isNoFile = (value: unknown): boolean =>
  isBlob(value) && value.size === 0 && !(value as Partial<File>).name;

/** Whether an item says that it has no image. */
export const isAbsent = (image: unknown): image is null | undefined =>
  image === undefined || image === null || image === '' || isNoFile(image);

/**
 * Whether an image was meant but holds nothing: a named file, a buffer, without a byte. Throws what the value's own
 * getters throw.
 */
export const isEmptyImage = (image: unknown): boolean =>
  isBlob(image) ? image.size === 0 : bytesIn(image)?.byteLength === 0;
