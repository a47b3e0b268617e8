// Reads a request of inference of the Open Inference Protocol, JSON or JSON followed by binary tensors, into items.
import type { Context } from 'hono';
import { z } from 'zod';
import { decodeByteTensor } from './byte-tensors.js';
import { check, checkItem, invalid, parseJson, refuseCodings, type CheckedItem } from './body.js';
import { decodeBytes } from './decode-text.js';
import { malformed, type ServiceError } from './errors.js';
import type { RequestOptions } from './inference.js';
import { inferRequestSchema, KNOWN_PROPERTIES, OUTPUTS, type OutputName } from './open-inference-schemas.js';
import { bytesOf, decidingOptions, INPUTS, itemSchema, mostBytes, tooLarge, type Limits } from './schemas.js';

/** Length in bytes of the JSON of a body with binary tensors. */
export const JSON_LENGTH = 'Inference-Header-Content-Length';

export interface InferRequest {
  readonly id?: string | undefined;
  readonly items: readonly CheckedItem[];
  readonly options: RequestOptions;
  /** Which outputs to return, in order. */
  readonly outputs: readonly { readonly name: OutputName; readonly binary: boolean }[];
}

type Input = z.output<ReturnType<typeof inferRequestSchema>>['inputs'][number];
/** An element of a tensor: of JSON a string, of a binary tensor bytes. */
type Element = string | Uint8Array;

/**
 * A reader of requests of inference.
 * @throws ServiceError `unsupported-media-type`, `malformed-body`, or `invalid-request` for what is wrong with the request
 *   as a whole: names, shapes, sizes, outputs. What is wrong with one item is that item's error.
 */
export function inferReader(limits: Limits): (c: Context) => Promise<InferRequest> {
  const schema = inferRequestSchema(limits);
  const toItem = itemReader(limits);
  return async (c) => {
    refuseCodings(c);
    const body = new Uint8Array(await c.req.arrayBuffer());
    const length = jsonLength(c.req.header(JSON_LENGTH), body.length);
    const given = parseJson(decodeBytes(body.subarray(0, length)));
    const { id, parameters, inputs, outputs } = check(schema, given, {
      longest: { inputs: INPUTS.length, outputs: OUTPUTS.length },
      known: KNOWN_PROPERTIES,
    });
    const columns = columnsOf(inputs, body.subarray(length), limits);
    const { faces, prior, binary_data_output = false } = parameters ?? {};
    const options = check(decidingOptions, {
      ...(faces && { faces }),
      ...(prior && { prior: prior.startsWith('{') ? parseJson(prior, 'the parameter prior') : prior }),
    });
    const { size } = columns;
    return {
      id,
      items: Array.from({ length: size }, (_, i) => toItem(columns.elements, i)),
      options,
      outputs: (outputs?.length ? outputs : OUTPUTS.map((name) => ({ name, parameters: undefined }))).map(
        ({ name, parameters: own }) => ({ name, binary: own?.binary_data ?? binary_data_output }),
      ),
    };
  };
}

function jsonLength(header: string | undefined, bodyLength: number): number {
  if (header === undefined) return bodyLength;
  const length = Number(header);
  if (!/^\d{1,15}$/.test(header) || length > bodyLength)
    throw malformed(`${JSON_LENGTH} must be the length of the JSON in bytes, at most the body's`);
  return length;
}

interface Columns {
  /** Number of items. */
  readonly size: number;
  readonly elements: ReadonlyMap<string, readonly Element[]>;
}

function columnsOf(inputs: readonly Input[], binary: Uint8Array, { maxItems }: Limits): Columns {
  const elements = new Map<string, readonly Element[]>();
  const size = sizeOf(inputs[0]!);
  let at = 0;
  for (const [i, input] of inputs.entries()) {
    const { name, parameters } = input;
    const data = input.data as readonly unknown[] | undefined;
    const bytes = parameters?.binary_data_size;
    const wrong = (field: string, message: string): ServiceError =>
      invalid([{ path: `inputs[${i}].${field}`, message }]);
    if (elements.has(name)) throw wrong('name', `${name} was sent more than once`);
    if (size > maxItems) throw wrong('shape', `has ${size} items; the maximum is ${maxItems}`);
    if (sizeOf(input) !== size)
      throw wrong('shape', `has ${sizeOf(input)} items, that of ${inputs[0]!.name} ${size}`);
    if ((bytes === undefined) === (data === undefined))
      throw wrong('data', 'is needed, or the parameter binary_data_size in place of it');
    if (bytes === undefined) {
      elements.set(
        name,
        texts(data!, size, (message) => wrong('data', message)),
      );
      continue;
    }
    const left = binary.length - at;
    if (bytes > left)
      throw wrong('parameters.binary_data_size', `is ${bytes}, but the body has only ${left} bytes left`);
    try {
      elements.set(name, decodeByteTensor(binary.subarray(at, at + bytes), size));
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      throw wrong('data', `the binary tensor ${cause.message}`);
    }
    at += bytes;
  }
  if (at < binary.length)
    throw malformed(`the body has ${binary.length - at} bytes more than the binary tensors of its inputs`);
  return { size, elements };
}

/** Number of items, by a shape that the schema has checked. */
const sizeOf = ({ shape }: Input): number => (shape as readonly number[])[0]!;

/** The strings of a tensor in JSON, flat or nested. */
function texts(data: readonly unknown[], size: number, wrong: (message: string) => ServiceError): string[] {
  if (data.length !== size) throw wrong(`has ${data.length} elements, by its shape ${size}`);
  return data.map((element, i) => {
    const value: unknown = Array.isArray(element) && element.length === 1 ? element[0] : element;
    if (typeof value !== 'string') throw wrong(`element ${i} is not a string`);
    return value;
  });
}

/** Reads the item at an index; an empty element is missing. */
function itemReader(limits: Limits): (elements: Columns['elements'], index: number) => CheckedItem {
  // Base64 has been decoded; what is still a string is none.
  const file = z.instanceof(Uint8Array<ArrayBufferLike>, { error: 'is neither base64 nor a data URL' });
  const schema = itemSchema(limits, ({ name }) => {
    const most = mostBytes(name, limits);
    return file.refine(({ length }) => length <= most, {
      error: ({ input }) => tooLarge((input as Uint8Array).length, most),
      params: { tooLarge: true },
    });
  });
  return (elements, index) => {
    const item: Record<string, Element> = {};
    for (const { name, as } of INPUTS) {
      const element = elements.get(name)?.[index];
      if (!element?.length) continue;
      if (as === 'text') item[name] = utf8(element, index);
      else item[name] = typeof element === 'string' ? (bytesOf(element) ?? element) : element;
    }
    return checkItem(schema, item);
  };
}

const utf8 = (element: Element, index: number): string =>
  typeof element === 'string' ? element : decodeBytes(element, undefined, `element ${index} of text`);
