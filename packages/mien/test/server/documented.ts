// Checks responses against the service's OpenAPI document: status, content type and body, with no field beyond.
import { expect } from 'vitest';
import { z } from 'zod';
import type { OpenApiDocument } from '../../src/server/openapi.js';

export interface Answered {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly contentType: string;
  /** Parsed where the content type is that of JSON. */
  readonly body: unknown;
}

type Schema = Parameters<typeof z.fromJSONSchema>[0];

/** By document and schema: making a validator takes longer than a request. */
const validators = new WeakMap<OpenApiDocument, Map<string, z.ZodType>>();

/** The schema with the document's components beside it, where its references find them. */
function validatorOf(schema: unknown, document: OpenApiDocument): z.ZodType {
  const known = validators.get(document) ?? new Map<string, z.ZodType>();
  validators.set(document, known);
  const key = JSON.stringify(schema);
  const found = known.get(key);
  if (found) return found;
  const whole = JSON.stringify({ ...(schema as object), $defs: document.components.schemas });
  const made = z.fromJSONSchema(JSON.parse(whole.replaceAll('#/components/schemas/', '#/$defs/')) as Schema);
  known.set(key, made);
  return made;
}

/** The path of the document that has this one, whatever its parameters. */
export const pathIn = ({ paths }: OpenApiDocument, path: string): string =>
  Object.keys(paths).find((template) =>
    new RegExp(`^${template.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`).test(path),
  ) ?? path;

/** Fails unless the document has the response as it was sent; only errors are sent for other paths and methods. */
export function checkResponse(
  document: OpenApiDocument,
  { method, path, status, contentType, body }: Answered,
): void {
  const name = `${method} ${path} ${status}`;
  const type = contentType.split(';')[0]!;
  const operation = document.paths[pathIn(document, path)]?.[method.toLowerCase()];
  if (!operation) {
    const schema = /^\/v2(\/|$)/.test(path) ? 'InferError' : 'Error';
    if (type === 'application/json')
      validatorOf({ $ref: `#/components/schemas/${schema}` }, document).parse(body);
    return;
  }
  const response = operation.responses[status];
  expect(response, `${name} is not documented`).toBeDefined();
  const content = response!.content as Readonly<Record<string, { readonly schema: unknown }>>;
  expect(Object.keys(content), name).toContain(type);
  validatorOf(content[type]!.schema, document).parse(body);
}
