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

/** The schema with the document's components beside it, where its references find them. */
function validatorOf(schema: unknown, { components }: OpenApiDocument): z.ZodType {
  const whole = JSON.stringify({ ...(schema as object), $defs: components.schemas });
  return z.fromJSONSchema(JSON.parse(whole.replaceAll('#/components/schemas/', '#/$defs/')) as Schema);
}

/** Fails unless the document has the response as it was sent; only errors are sent for other paths and methods. */
export function checkResponse(
  document: OpenApiDocument,
  { method, path, status, contentType, body }: Answered,
): void {
  const name = `${method} ${path} ${status}`;
  const type = contentType.split(';')[0]!;
  const operation = document.paths[path]?.[method.toLowerCase()];
  if (!operation) {
    if (type === 'application/json')
      validatorOf({ $ref: '#/components/schemas/Error' }, document).parse(body);
    return;
  }
  const response = operation.responses[status];
  expect(response, `${name} is not documented`).toBeDefined();
  const content = response!.content as Readonly<Record<string, { readonly schema: unknown }>>;
  expect(Object.keys(content), name).toContain(type);
  validatorOf(content[type]!.schema, document).parse(body);
}
