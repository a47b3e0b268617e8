// Every error mien throws on purpose: typed by a stable code, naming the place, saying what to do.
import { defined } from './defined.js';
import { kindOf, quoted } from './quote.js';

/** Stable identifiers of what went wrong; programs may switch on them. */
export type ErrorCode =
  | 'usage' // a wrong command, option or argument
  | 'config' // a configuration value or key that cannot be used
  | 'data' // a data set, file or row that is not what it should be
  | 'file' // a file or folder that cannot be read or written
  | 'format' // a file whose bytes are not what its kind requires (safetensors, tokenizer, ONNX)
  | 'weights' // pretrained weights that are missing, foreign or damaged
  | 'offline' // something must be fetched and the network is not to be used or not there
  | 'shape' // an operator applied to shapes it cannot take
  | 'gradient' // a derivative that does not exist
  | 'bundle' // a bundle with a file that is missing, changed or foreign
  | 'store' // a feature store that is incomplete, foreign or damaged
  | 'checkpoint' // a checkpoint that does not belong to this run
  | 'diverged' // training produced a value that is not finite
  | 'crashed' // a process that computed ended before it answered
  | 'interrupted'; // stopped by the user; what was finished is kept

/**
 * What was thrown, in its own words, or by its kind where it has none. Never throws. Test runners and frames have realms
 * of their own, whose errors are not `instanceof` this one's `Error`.
 */
export function messageOf(thrown: unknown): string {
  try {
    const message = (thrown as { message?: unknown } | null | undefined)?.message;
    if (typeof message === 'string') return message;
  } catch {
    // A proxy, or a getter, that throws.
  }
  return typeof thrown === 'object' || typeof thrown === 'function' ? kindOf(thrown) : String(thrown);
}

/** Where an error was found. All fields are optional; those given appear in the message. */
export interface ErrorPlace {
  /** Path of the file, as the user gave it. */
  file?: string;
  /** 1-based line or record number in that file. */
  row?: number;
  /** Column, key or tensor name. */
  field?: string;
}

/**
 * The longest message, and the longest advice, in UTF-16 units. Both may quote what they were given, which may be
 * megabytes of base64 in the place of a path.
 */
const LONGEST_MESSAGE = 400;
const LONGEST_HINT = 800;

/**
 * An error with a stable code, a place and advice. `message` holds place and message in one line and the advice below;
 * what is too long for a line is cut in the middle.
 */
export class MienError extends Error {
  /** What kind of thing went wrong; programs may switch on it. */
  readonly code: ErrorCode;
  /** Where: the file, row or field, as far as there is one. */
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
