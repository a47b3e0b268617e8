// Schemas of the Open Inference Protocol (KServe V2, REST): what a request of inference is checked by and OpenAPI shows.
// Source: "Open Inference Protocol (V2 Inference Protocol)" of KServe; binary data: "Binary Tensor Data Extension" of
// Triton Inference Server.
import { z } from 'zod';
import { idOf, INPUTS, type Limits } from './schemas.js';

export const OUTPUTS = ['label', 'probabilities', 'from', 'error', 'labels'] as const;
export type OutputName = (typeof OUTPUTS)[number];

/** Parameters of a request; the protocol's own that do not apply are accepted and ignored. */
const parameters = z.strictObject({
  faces: z.enum(['detect', 'cropped']).exactOptional().describe('As in `/v1/recognize`.'),
  prior: z.string().max(4096).exactOptional().describe('`training`, `even`, or weights as a JSON object.'),
  binary_data_output: z
    .boolean()
    .exactOptional()
    .describe('Whether outputs are binary unless they say otherwise.'),
  priority: z.number().exactOptional().describe('Ignored.'),
  timeout: z.number().exactOptional().describe('Ignored: the service has a deadline of its own.'),
});

const inputParameters = z.strictObject({
  binary_data_size: z
    .int()
    .min(0)
    .exactOptional()
    .describe('Bytes of the tensor after the JSON, in place of `data`.'),
});
const outputParameters = z.strictObject({ binary_data: z.boolean().exactOptional() });

const isShape = (shape: unknown): boolean =>
  Array.isArray(shape) &&
  Number.isSafeInteger(shape[0]) &&
  shape[0] >= 1 &&
  (shape.length === 1 || (shape.length === 2 && shape[1] === 1));

// Lists that may be long are not checked element by element before their length is known.
const input = z.strictObject({
  name: z
    .enum(INPUTS.map(({ name }) => name))
    .describe('Any may be left out. Texts are UTF-8; images and recordings are files, in JSON in base64.'),
  shape: z
    .unknown()
    .refine(isShape, 'must be [n] or [n, 1], with n at least 1')
    .meta({
      type: 'array',
      items: { type: 'integer', minimum: 1 },
      minItems: 1,
      maxItems: 2,
      description: '`[n]` or `[n, 1]`, the same for all inputs.',
    }),
  datatype: z.literal('BYTES'),
  parameters: inputParameters.exactOptional(),
  data: z
    .unknown()
    .refine(Array.isArray, 'must be a list')
    .exactOptional()
    .meta({
      type: 'array',
      items: { type: ['string', 'array'], items: { type: 'string' } },
      description: 'One string per item, flat or nested as in the shape. An empty one is missing.',
    }),
});

const outputRequest = z.strictObject({
  name: z.enum(OUTPUTS),
  parameters: outputParameters.exactOptional(),
});

export const inferRequestSchema = ({ maxItems }: Pick<Limits, 'maxItems'>) =>
  z.strictObject({
    id: idOf.describe('Returned with the response.'),
    // KServe's client repeats it.
    model_name: z.string().exactOptional().describe('Ignored: the path names the model.'),
    parameters: parameters.exactOptional(),
    inputs: z
      .array(input)
      .min(1)
      .max(INPUTS.length)
      .describe(`Up to ${maxItems} items, one per element of the tensors.`),
    outputs: z
      .array(outputRequest)
      .max(OUTPUTS.length)
      .exactOptional()
      .describe('The outputs to return; all if there are none.'),
  });

/** Names of properties where a request may have an unknown one, by the path of the object. */
export const KNOWN_PROPERTIES: Readonly<Record<string, readonly string[]>> = {
  parameters: Object.keys(parameters.shape),
  inputs: Object.keys(input.shape),
  outputs: Object.keys(outputRequest.shape),
  'inputs.parameters': Object.keys(inputParameters.shape),
  'outputs.parameters': Object.keys(outputParameters.shape),
};

const shape = z.array(z.int());
const tensor = z.object({
  name: z.string(),
  datatype: z.enum(['BYTES', 'FP32']),
  shape: shape.describe('−1 is the number of items.'),
});

/** Bodies of responses. */
export const openInferenceSchemas = {
  InferResponse: z.object({
    model_name: z.string(),
    model_version: z.string(),
    id: z.string().exactOptional().describe('As in the request.'),
    outputs: z
      .array(
        z.object({
          name: z.enum(OUTPUTS),
          datatype: z.enum(['BYTES', 'FP32']),
          shape,
          parameters: z.object({ binary_data_size: z.int() }).exactOptional(),
          data: z.array(z.union([z.string(), z.number()])).exactOptional(),
        }),
      )
      .describe(
        'Of n items and L labels: `label` `[n]`; `probabilities` `[n, L]`, 0 for labels that the deciding model lacks; `from` `[n]`, the modality that decided; `error` `[n]`, the code of what could not be recognised (its other outputs are empty or 0), else empty; `labels` `[L]`, the names of the columns.',
      ),
  }),
  ServerMetadata: z.object({ name: z.string(), version: z.string(), extensions: z.array(z.string()) }),
  ModelMetadata: z.object({
    name: z.string(),
    versions: z.array(z.string()),
    platform: z.string(),
    inputs: z.array(tensor),
    outputs: z.array(tensor),
  }),
  Live: z.object({ live: z.boolean() }),
  Ready: z.object({ ready: z.boolean() }),
  ModelReady: z.object({ name: z.string(), ready: z.boolean() }),
  InferError: z.object({ error: z.string() }),
};
