// How messages quote what they were given: at most a line of a text, and any other value by what kind of thing it is.

/** The longest quotation, in UTF-16 units. */
const LINE = 160;

/** A text on one line, cut in the middle where it is longer than `most` UTF-16 units. */
export function quoted(text: string, most = LINE): string {
  const half = Math.floor((most - 1) / 2);
  const cut = text.length <= most ? text : `${text.slice(0, half)}…${text.slice(-half)}`;
  // Line breaks would make two lines of it, and escape sequences more than that on a terminal.
  return cut.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').replace(/\p{Cs}/gu, '\ufffd');
}

/** `Blob` of a Blob, `Object` of a plain object: what a value says it is. Never throws. */
export function tagOf(value: unknown): string {
  try {
    return Object.prototype.toString.call(value).slice(8, -1);
  } catch {
    // A proxy, or a getter, that throws.
    return 'Object';
  }
}

/** `null`, `a number`, `a Promise`, `an Int32Array`: what kind of thing a value is. Never throws. */
export function kindOf(value: unknown): string {
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

/** A value as a message repeats it: a text in quotation marks, a number as it is, anything else by its kind. */
export function repeated(value: unknown): string {
  if (typeof value === 'string') return `"${quoted(value, 80)}"`;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : kindOf(value);
}
