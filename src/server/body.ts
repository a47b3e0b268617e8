// From a request's body, JSON or multipart, to checked items and options.
import type { Context } from 'hono';
import { z } from 'zod';
import { nearestName } from '../base/names.js';
import { repeated } from '../base/quote.js';
import { ServiceError, type Issue } from './errors.js';
import type { Failure } from '../recognizer/types.js';
import { base64Image, formSchema, idOf, itemSchema, requestSchema, type Limits } from './schemas.js';

/** Issues that an answer lists. */
const MOST_ISSUES = 10;

/** An item as it was checked: what it holds, or why it cannot be recognised. */
export interface CheckedItem<Image = Uint8Array> {
  readonly id?: string | undefined;
  readonly text?: string | null | undefined;
  readonly image?: Image | null | undefined;
  readonly error?: Failure['error'];
}

export type CheckedRequest = Omit<z.output<Schemas['request']>, 'items'> & {
  readonly items: readonly CheckedItem[];
};

export type ReadBody = (c: Context) => Promise<CheckedRequest>;

interface Schemas {
  readonly form: ReturnType<typeof formSchema>;
  readonly request: ReturnType<typeof requestSchema<z.ZodUnknown>>;
  /** Items whose image is in base64, and those whose image is the name of a file. */
  readonly item: ReturnType<typeof itemSchema<typeof base64Image>>;
  readonly named: ReturnType<typeof itemSchema<z.ZodString>>;
}

/**
 * A reader of recognition requests.
 * @throws ServiceError `unsupported-media-type`, `malformed-body` or `invalid-request`.
 */
export function bodyReader(limits: Limits): ReadBody {
  const schemas: Schemas = {
    form: formSchema(limits),
    request: requestSchema(limits, z.unknown()),
    item: itemSchema(limits, base64Image),
    named: itemSchema(limits, z.string()),
  };
  return async (c) => {
    const type = c.req.header('content-type')?.split(';')[0]!.trim().toLowerCase();
    if (type === 'application/json') {
      const { items, ...options } = check(schemas.request, parseJson(await c.req.text()), limits);
      return { items: items.map((item) => checkItem(schemas.item, item)), ...options };
    }
    if (type === 'multipart/form-data') return checkForm(await readForm(c), schemas, limits);
    throw new ServiceError(
      'unsupported-media-type',
      `${type === undefined ? 'a body without a content type' : 'this content type'} is not read; send application/json or multipart/form-data`,
    );
  };
}

function parseJson(text: string, path = ''): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text.
    throw new ServiceError('malformed-body', `${path || 'the body'} is not JSON`);
  }
}

async function readForm(c: Context): Promise<Record<string, unknown>> {
  try {
    return await c.req.parseBody({ all: true });
  } catch (cause) {
    if (c.req.raw.signal.aborted) throw cause;
    throw new ServiceError('malformed-body', 'the body is not multipart/form-data as its boundary says', {
      cause,
    });
  }
}

async function checkForm(
  parts: Record<string, unknown>,
  { form, request, named }: Schemas,
  limits: Limits,
): Promise<CheckedRequest> {
  const twice = Object.keys(parts).filter((name) => Array.isArray(parts[name]));
  if (twice.length > 0) throw invalid(twice.map((path) => ({ path, message: 'was sent more than once' })));
  const { id, text, image, items, allFaces, gate, faces, coverage, risk, ...others } = check(form, {
    ...parts,
  });
  if (items !== undefined && (id !== undefined || text !== undefined || image !== undefined))
    throw invalid([{ path: '', message: 'send either items, or the text and the image of a single item' }]);
  const given =
    items === undefined
      ? [{ id, text, ...(image ? { image: 'image' } : {}) }]
      : parseJson(items, 'the part items');
  const options = {
    ...{ faces, allFaces: allFaces === 'true', gate: gate === 'true' },
    ...(coverage === undefined ? {} : { coverage: Number(coverage) }),
    ...(risk === undefined ? {} : { risk: Number(risk) }),
  };
  const checked = check(request, { items: given, ...options }, limits);
  const files = new Map(Object.entries({ ...others, ...(image ? { image } : {}) }));
  const itemsByName = checked.items.map((item) => checkItem(named, item));
  // A file of an item with another fault is named all the same.
  const names = checked.items.map((item) => (item as { image?: unknown } | null)?.image);
  const foreign = [...files.keys()].filter((name) => !names.includes(name));
  if (foreign.length > 0)
    throw invalid(
      foreign.slice(0, MOST_ISSUES).map((path) => ({ path, message: 'is a file that no item names' })),
    );
  const bytes = new Map<string, Uint8Array>();
  for (const [name, file] of files) bytes.set(name, new Uint8Array(await file.arrayBuffer()));
  return {
    ...checked,
    items: itemsByName.map(({ image: name, ...item }): CheckedItem => {
      if (name === undefined || name === null) return item;
      const found = bytes.get(name);
      return found ? { ...item, image: found } : { ...item, error: noSuchFile(name) };
    }),
  };
}

const noSuchFile = (name: string): Failure['error'] => ({
  code: 'undecodable-image',
  message: `image: ${repeated(name)} names no file part of the request`,
});

/** One item by itself: what is wrong with it is its own error, and its neighbours are answered. */
function checkItem<Image extends Uint8Array | string>(
  schema: z.ZodType<Omit<CheckedItem<Image>, 'error'>>,
  given: unknown,
): CheckedItem<Image> {
  const { data, error } = schema.safeParse(given);
  if (!error) return data;
  const { path, message } = issueOf(error.issues[0]!);
  const id = idOf.safeParse((given as { id?: unknown } | null)?.id).data;
  return {
    ...(id === undefined ? {} : { id }),
    error: {
      code: path === 'image' ? 'undecodable-image' : 'invalid-item',
      message: path === '' ? message : `${path}: ${message}`,
    },
  };
}

function check<T extends z.ZodType>(schema: T, body: unknown, limits?: Limits): z.output<T> {
  const items = (body as { items?: unknown } | null | undefined)?.items;
  // Before each of a million items is looked at.
  if (limits && Array.isArray(items) && items.length > limits.maxItems)
    throw invalid([
      { path: 'items', message: `holds ${items.length} items, ${limits.maxItems} are taken at most` },
    ]);
  const { data, error } = schema.safeParse(body);
  if (error) throw invalid(error.issues.slice(0, MOST_ISSUES).map(issueOf));
  return data;
}

function invalid(issues: readonly Issue[]): ServiceError {
  const { path, message } = issues[0]!;
  return new ServiceError('invalid-request', path === '' ? message : `${path}: ${message}`, { issues });
}

const KNOWN = ['items', 'id', 'text', 'image', 'faces', 'allFaces', 'gate', 'coverage', 'risk'];

function issueOf(issue: z.core.$ZodIssue): Issue {
  const path = issue.path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  const place = path.replace(/^\./, '');
  if (issue.code === 'invalid_type' && issue.expected === 'file')
    return { path: place, message: 'must be a file part: one with a file name' };
  if (issue.code !== 'unrecognized_keys') return { path: place, message: issue.message };
  const near = nearestName(issue.keys[0]!, KNOWN);
  const message = `there is no ${repeated(issue.keys[0])}`;
  return { path: place, message: near === undefined ? message : `${message}; did you mean "${near}"?` };
}
