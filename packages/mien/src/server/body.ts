// Parses and validates a request's body, JSON or multipart, into items and options.
import { parse as parseType } from 'content-type';
import type { Context } from 'hono';
import { z } from 'zod';
import { defined, repeated, suggestion } from 'mien-engine/base';
import { isNoFile } from '../modalities/absent.js';
import type { Failure, FailureCode } from '../recognizer/types.js';
import { decodeBytes } from './decode-text.js';
import { malformed, ServiceError, type Issue } from './errors.js';
import { readMultipart, type FormPart } from './multipart.js';
import {
  base64File,
  FILE_INPUTS,
  formSchema,
  idOf,
  INPUTS,
  itemSchema,
  mostBytes,
  requestSchema,
  tooLarge,
  type Limits,
} from './schemas.js';

/** Maximum number of issues in a response. */
const MAX_ISSUES = 10;

const TEXT_INPUTS = INPUTS.flatMap(({ name, as }) => (as === 'text' ? [name] : []));

/** A validated item: its content, or why it cannot be recognised. */
export interface CheckedItem {
  readonly id?: string | undefined;
  /** By the names of `INPUTS`: texts, and the bytes of files. */
  readonly inputs: Readonly<Record<string, string | Uint8Array | null | undefined>>;
  readonly error?: Failure['error'];
}

type CheckedRequest = Omit<z.output<Schemas['request']>, 'items'> & {
  readonly items: readonly CheckedItem[];
};

export type ReadBody = (c: Context) => Promise<CheckedRequest>;

type ItemSchema = ReturnType<typeof itemSchema>;

interface Schemas {
  readonly form: ReturnType<typeof formSchema>;
  readonly request: ReturnType<typeof requestSchema<z.ZodUnknown>>;
  /** Items whose files are base64, and items whose files are the names of file parts. */
  readonly item: ItemSchema;
  readonly named: ItemSchema;
}

/**
 * A reader of recognition requests.
 * @throws ServiceError `unsupported-media-type`, `malformed-body`, `body-too-large` or `invalid-request`.
 */
export function bodyReader(limits: Limits): ReadBody {
  const schemas: Schemas = {
    form: formSchema(limits),
    request: requestSchema(limits, z.unknown()),
    item: itemSchema(limits, base64File(limits)),
    named: itemSchema(limits, () => z.string()),
  };
  return async (c) => {
    refuseCodings(c);
    const { type, parameters } = parseType(c.req.header('content-type') ?? '');
    if (type === 'application/json') {
      const given = parseJson(decodeBytes(await c.req.arrayBuffer()));
      const { items, ...options } = check(schemas.request, given, { longest: { items: limits.maxItems } });
      return { items: items.map((item) => checkItem(schemas.item, item)), ...options };
    }
    if (type === 'multipart/form-data') {
      const { boundary } = parameters;
      const maxParts = 2 * limits.maxItems + Object.keys(schemas.form.shape).length;
      const parts = await readMultipart(new Uint8Array(await c.req.arrayBuffer()), { boundary, maxParts });
      return checkForm(parts, schemas, limits);
    }
    throw new ServiceError(
      'unsupported-media-type',
      `${type === '' ? 'a body without a content type' : 'this content type'} is not accepted; send application/json or multipart/form-data`,
    );
  };
}

/** Otherwise a compressed body would be reported as malformed JSON or as a form without its boundary. */
export function refuseCodings(c: Context): void {
  for (const [header, plain] of [
    ['Content-Encoding', 'identity'],
    ['Transfer-Encoding', 'chunked'],
  ] as const) {
    const codings = (c.req.header(header) ?? '').split(',').map((coding) => coding.trim().toLowerCase());
    const other = codings.find((coding) => coding !== '' && coding !== plain);
    if (other !== undefined)
      throw new ServiceError(
        'unsupported-media-type',
        `${header}: ${other.slice(0, 64)} is not supported; send the body unencoded`,
      );
  }
}

export function parseJson(text: string, path = ''): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes the text.
    throw malformed(`${path || 'the body'} is not valid JSON`);
  }
}

/** Parts by name, and the names of empty ones: empty fields, and file fields without a chosen file. */
interface NamedParts {
  readonly filled: Readonly<Record<string, string | File>>;
  readonly empty: ReadonlySet<string>;
}

/** Without the brackets that some clients append to the name of a repeated field. */
const plainName = (name: string): string => name.replace(/\[\d*\]$/, '');

function byName(parts: readonly FormPart[]): NamedParts {
  const filled = new Map<string, string | File>();
  const empty = new Set<string>();
  const twice = new Set<string>();
  for (const { name: written, content } of parts) {
    const name = plainName(written);
    // The schema would ignore it.
    if (name === '__proto__')
      throw invalid([{ path: name, message: 'is not allowed as the name of a part' }]);
    if (content === '' || isNoFile(content)) empty.add(name);
    else if (filled.has(name)) twice.add(name);
    else filled.set(name, content);
  }
  if (twice.size > 0)
    throw invalid(
      [...twice].slice(0, MAX_ISSUES).map((path) => ({
        path,
        message: 'was sent more than once; name the images of several items in the part items',
      })),
    );
  return { filled: Object.fromEntries(filled), empty };
}

async function checkForm(
  parts: readonly FormPart[],
  { form, request, named }: Schemas,
  limits: Limits,
): Promise<CheckedRequest> {
  const { filled, empty } = byName(parts);
  const given = check(form, {
    // As in JSON, an empty text is a text.
    ...Object.fromEntries(TEXT_INPUTS.filter((name) => empty.has(name)).map((name) => [name, ''])),
    ...filled,
  });
  const { id, items, faces, prior, coverage, risk, ...others } = given;
  const { allFaces, gate, fine, transcribe, ...rest } = others;
  const isText = ([name]: readonly [string, unknown]): boolean => TEXT_INPUTS.includes(name);
  const parted = Object.entries(rest).filter(([, part]) => part !== undefined);
  const texts = parted.filter(isText);
  const files = new Map(parted.filter((part) => !isText(part)) as [string, File][]);
  const own = FILE_INPUTS.filter((name) => files.has(name));
  if (items !== undefined && (id !== undefined || texts.length + own.length > 0)) {
    const names = new Intl.ListFormat('en-GB').format(INPUTS.map(({ name }) => name));
    throw invalid([{ path: '', message: `send either items, or the ${names} of a single item` }]);
  }
  const sent =
    items === undefined
      ? [{ id, ...Object.fromEntries([...texts, ...own.map((name) => [name, name] as const)]) }]
      : parseJson(items, 'the part items');
  const options = {
    faces,
    allFaces: allFaces === 'true',
    gate: gate === 'true',
    fine: fine === 'true',
    transcribe: transcribe === 'true',
    ...defined({
      prior: prior?.startsWith('{') ? parseJson(prior, 'the part prior') : prior,
      coverage: coverage === undefined ? undefined : Number(coverage),
      risk: risk === undefined ? undefined : Number(risk),
    }),
  };
  const checked = check(request, { items: sent, ...options }, { longest: { items: limits.maxItems } });
  const itemsByName = checked.items.map((item) => checkItem(named, item));
  // Includes the files of items that are invalid for another reason.
  const names = checked.items.flatMap((item) =>
    FILE_INPUTS.flatMap((input) => {
      const name = ((item ?? {}) as Readonly<Record<string, unknown>>)[input];
      return typeof name === 'string' ? plainName(name) : [];
    }),
  );
  const foreign = [...files.keys()].filter((name) => !names.includes(name));
  if (foreign.length > 0)
    throw invalid(
      foreign.slice(0, MAX_ISSUES).map((path) => ({ path, message: 'no item refers to this file' })),
    );
  const bytes = new Map<string, Uint8Array>();
  for (const [name, file] of files) bytes.set(name, new Uint8Array(await file.arrayBuffer()));
  return {
    ...checked,
    items: itemsByName.map((item): CheckedItem => {
      const inputs: Record<string, string | Uint8Array | null | undefined> = { ...item.inputs };
      let { error } = item;
      for (const input of FILE_INPUTS) {
        const name = item.inputs[input] as string | null | undefined;
        const plain = plainName(name ?? '');
        const content = bytes.get(plain);
        const most = mostBytes(input, limits);
        inputs[input] = content;
        // A file field without a chosen file is no file.
        if (!content && name && !empty.has(plain)) error ??= noSuchFile(input, name);
        if (content && content.length > most)
          error ??= fileError(input, tooLarge(content.length, most), true);
      }
      return { ...item, inputs, ...defined({ error }) };
    }),
  };
}

const noSuchFile = (input: string, name: string): Failure['error'] =>
  fileError(input, `the request has no file part ${repeated(name)}`);

const fileError = (input: string, message: string, isTooLarge = false): Failure['error'] => ({
  code: (isTooLarge ? `${input}-too-long` : `undecodable-${input}`) as FailureCode,
  message: `${input}: ${message}`,
});

/** Validates one item: if it is invalid, it gets an error of its own, and the other items are recognised. */
export function checkItem(schema: ItemSchema, given: unknown): CheckedItem {
  const { data, error } = schema.safeParse(given);
  if (!error) {
    const { id, ...inputs } = data;
    return { ...defined({ id }), inputs } as CheckedItem;
  }
  const issue = error.issues[0]!;
  const { path, message } = issueOf(issue, Object.keys(schema.shape));
  const id = idOf.safeParse((given as { id?: unknown } | null)?.id).data;
  const isTooLarge = issue.code === 'custom' && issue.params?.['tooLarge'] === true;
  return {
    ...defined({ id }),
    inputs: {},
    error: FILE_INPUTS.includes(path)
      ? fileError(path, message, isTooLarge)
      : { code: 'invalid-item', message: path === '' ? message : `${path}: ${message}` },
  };
}

/**
 * What a schema makes of a body.
 * @param options.longest maximum lengths of lists in the body, checked first: they may have millions of elements
 * @param options.known property names of objects inside of the body by their path, such as `inputs.parameters`
 * @throws ServiceError `invalid-request` that lists where the body does not match.
 */
export function check<T extends z.ZodObject>(
  schema: T,
  body: unknown,
  {
    longest = {},
    known = {},
  }: {
    readonly longest?: Readonly<Record<string, number>>;
    readonly known?: Readonly<Record<string, readonly string[]>>;
  } = {},
): z.output<T> {
  for (const [path, most] of Object.entries(longest)) {
    const list = (body as Record<string, unknown> | null | undefined)?.[path];
    if (Array.isArray(list) && list.length > most)
      throw invalid([{ path, message: `has ${list.length} ${path}; the maximum is ${most}` }]);
  }
  const { data, error } = schema.safeParse(body);
  if (error) {
    const knownAt = (issue: z.core.$ZodIssue): readonly string[] => {
      const names = issue.path.filter((key) => typeof key === 'string');
      return names.length === 0 ? Object.keys(schema.shape) : (known[names.join('.')] ?? []);
    };
    throw invalid(error.issues.slice(0, MAX_ISSUES).map((issue) => issueOf(issue, knownAt(issue))));
  }
  return data;
}

export function invalid(issues: readonly Issue[]): ServiceError {
  const { path, message } = issues[0]!;
  return new ServiceError('invalid-request', path === '' ? message : `${path}: ${message}`, { issues });
}

/** @param known the property names of the schema, or those of the object that has the issue */
function issueOf(issue: z.core.$ZodIssue, known: readonly string[]): Issue {
  const path = issue.path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  const place = path.replace(/^\./, '');
  if (issue.code === 'invalid_type' && issue.expected === 'file')
    return {
      path: place,
      message: 'must be a file part, with a file name or the media type of an image or of audio',
    };
  if (issue.code !== 'unrecognized_keys') return { path: place, message: issue.message };
  const [key = ''] = issue.keys;
  return { path: place, message: `unknown property ${repeated(key)}. ${suggestion(key, known)}` };
}
