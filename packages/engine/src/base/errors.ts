// Every error mien throws on purpose: a stable code, the place, what to do; and how messages quote what they were given.
import { defined } from './collections.js';

/** Stable identifiers of what went wrong; programs may switch on them. */
export type ErrorCode =
  | 'usage' // a wrong command, option or argument
  | 'config' // an invalid configuration key or value
  | 'data' // an invalid data set, file or row
  | 'file' // a file or folder that cannot be read or written
  | 'format' // a file that violates its format (safetensors, tokenizer, ONNX)
  | 'weights' // pretrained weights that are missing, incompatible or damaged
  | 'offline' // a download is needed, but the network is unavailable or not allowed
  | 'shape' // an operator applied to shapes it does not accept
  | 'gradient' // a derivative that does not exist
  | 'bundle' // a bundle with a missing, changed or unknown file
  | 'store' // a feature store that is incomplete, incompatible or damaged
  | 'checkpoint' // a checkpoint of another run
  | 'diverged' // training produced a value that is not finite
  | 'crashed' // a child process ended before it answered
  | 'interrupted'; // stopped by the user; finished work is kept

/** Where an error was found. All fields are optional; those given appear in the message. */
export interface ErrorPlace {
  /** Path of the file, as the user gave it. */
  file?: string;
  /** 1-based line or record number in that file. */
  row?: number;
  /** Column, key or tensor name. */
  field?: string;
}

/** Limits of message and hint, in UTF-16 units. Both may quote input, which may be megabytes of base64 instead of a path. */
const LONGEST_MESSAGE = 400;
const LONGEST_HINT = 800;

/**
 * An error with a stable code, a place and a hint. `message` holds place and message in one line and the hint below;
 * overlong parts are cut in the middle.
 */
export class MienError extends Error {
  /** What kind of error it is; programs may switch on it. */
  readonly code: ErrorCode;
  /** The file, row or field, as far as known. */
  readonly place: ErrorPlace;
  /** What the reader can do about it. */
  readonly hint: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: ErrorPlace & { hint?: string | undefined; cause?: unknown } = {},
  ) {
    const { file, row, field, hint, cause } = options;
    const where = [file, row === undefined ? undefined : `row ${row}`, field].filter(
      (part) => part !== undefined,
    );
    const place = where.length > 0 ? `${where.map((part) => quoted(part)).join(', ')}: ` : '';
    const advice = hint ? `\n${hint.length > LONGEST_HINT ? quoted(hint, LONGEST_HINT) : hint}` : '';
    super(
      `${place}${quoted(message, LONGEST_MESSAGE)}${advice}`,
      cause === undefined ? undefined : { cause },
    );
    this.name = 'MienError';
    this.code = code;
    this.place = defined({ file, row, field });
    this.hint = hint;
  }
}

/**
 * The message of a thrown value, or its kind if it has none. Never throws. Does not rely on `instanceof Error`: test
 * runners and iframes have realms of their own, with their own `Error`.
 */
export function messageOf(thrown: unknown): string {
  try {
    const message = (thrown as { message?: unknown } | null | undefined)?.message;
    if (typeof message === 'string') return message;
  } catch {
    // A proxy, or a getter, that throws.
  }
  return typeof thrown === 'object' || typeof thrown === 'function' ? describeType(thrown) : String(thrown);
}

/** The longest quotation, in UTF-16 units. */
const LINE = 160;

/** A text on one line, cut in the middle if it is longer than `most` UTF-16 units. */
export function quoted(text: string, most = LINE): string {
  const half = Math.floor((most - 1) / 2);
  const cut = text.length <= most ? text : `${text.slice(0, half)}…${text.slice(-half)}`;
  // Removes line breaks, and escape sequences that a terminal would act on.
  return cut.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').replace(/\p{Cs}/gu, '\ufffd');
}

/** `Blob` of a Blob, `Object` of a plain object: the value's `toStringTag`. Never throws. */
export function tagOf(value: unknown): string {
  try {
    return Object.prototype.toString.call(value).slice(8, -1);
  } catch {
    // A proxy, or a getter, that throws.
    return 'Object';
  }
}

/** The kind of a value: `null`, `a number`, `a Promise`, `an Int32Array`. Never throws. */
export function describeType(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== 'object') return `a ${typeof value}`;
  const tag = tagOf(value);
  const name = quoted(tag === 'Object' ? (classNameOf(value) ?? tag) : tag, 40);
  return `${/^[AEIO]/.test(name) ? 'an' : 'a'} ${name}`;
}

function classNameOf(value: object): string | undefined {
  try {
    const { name } = (Object.getPrototypeOf(value) as object | null)?.constructor ?? {};
    return typeof name === 'string' && name !== '' ? name : undefined;
  } catch {
    return undefined;
  }
}

/** A value as a message repeats it: a text in quotation marks, a number or boolean as it is, anything else by its kind. */
export function repeated(value: unknown): string {
  if (typeof value === 'string') return `"${quoted(value, 80)}"`;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : describeType(value);
}
