// The routes of the Open Inference Protocol (KServe V2, REST): health, metadata, inference.
// Source: "Open Inference Protocol (V2 Inference Protocol)" of KServe, with Triton's binary tensor data extension.
import type { Context, Hono } from 'hono';
import { defined, repeated } from 'mien-engine/base';
import type { RecognizerInfo, Result } from '../recognizer/types.js';
import { answer, checkProcesses, type Env, type ServiceParts } from './answer.js';
import { encodeByteTensor, encodeFloatTensor } from './byte-tensors.js';
import { ServiceError } from './errors.js';
import { inferReader, JSON_LENGTH, type InferRequest } from './infer-body.js';
import { limitBodies } from './limits.js';
import type { OutputName } from './open-inference-schemas.js';
import { INPUTS } from './schemas.js';

/** A bundle has one version. */
const VERSION = '1';

/** Paths of a model, with and without its version. */
const modelPaths = (suffix = ''): string[] => [
  `/v2/models/:name${suffix}`,
  `/v2/models/:name/versions/:version${suffix}`,
];

/** Paths that need the token, if there is one: all but those of health. */
export const SECURED_PATHS = ['/v2', ...modelPaths(), ...modelPaths('/infer')];

/** The route of a path for metrics and logs, without the name that a client chose; undefined for other paths. */
export function openInferenceRoute(path: string): string | undefined {
  if (/^\/v2(\/health\/(live|ready))?$/.test(path)) return path;
  const model = /^\/v2\/models\/[^/]+(\/versions\/[^/]+)?(\/infer|\/ready)?$/.exec(path);
  if (!model) return undefined;
  const [, version, suffix = ''] = model;
  return `/v2/models/{name}${version === undefined ? '' : '/versions/{version}'}${suffix}`;
}

export function addOpenInference(app: Hono<Env>, parts: ServiceParts): void {
  const { inference, settings, version, draining } = parts;
  const { info } = inference;
  const alive = (): boolean => inference.processes().lost < settings.processes;
  const ready = (): boolean => !draining() && inference.processes().ready > 0;
  const metadata = {
    name: info.name,
    versions: [VERSION],
    platform: 'mien',
    inputs: INPUTS.map(({ name }) => ({ name, datatype: 'BYTES', shape: [-1] })),
    outputs: [
      { name: 'label', datatype: 'BYTES', shape: [-1] },
      { name: 'probabilities', datatype: 'FP32', shape: [-1, labelsOf(info).length] },
      { name: 'from', datatype: 'BYTES', shape: [-1] },
      { name: 'error', datatype: 'BYTES', shape: [-1] },
      { name: 'labels', datatype: 'BYTES', shape: [labelsOf(info).length] },
    ],
  };
  const read = inferReader(settings);

  app.get('/v2', (c) => c.json({ name: 'mien', version, extensions: ['binary_tensor_data'] }));
  app.get('/v2/health/live', (c) => c.json({ live: alive() }, alive() ? 200 : 503));
  app.get('/v2/health/ready', (c) => c.json({ ready: ready() }, ready() ? 200 : 503));
  for (const path of modelPaths())
    app.get(path, (c) => {
      checkModel(c, info);
      return c.json(metadata);
    });
  for (const path of modelPaths('/ready'))
    app.get(path, (c) => {
      checkModel(c, info);
      return c.json({ name: info.name, ready: ready() }, ready() ? 200 : 503);
    });
  for (const path of modelPaths('/infer'))
    app.post(path, limitBodies(settings.maxBody), async (c) => {
      checkModel(c, info);
      checkProcesses(parts);
      const request = await read(c);
      const results = await answer(parts, c, request.items, request.options);
      return inferResponse(c, info, request, results);
    });
}

/** @throws ServiceError `not-found` for another model than the one that is served, or another version. */
function checkModel(c: Context, { name }: RecognizerInfo): void {
  const given = { name: c.req.param('name'), version: c.req.param('version') ?? VERSION };
  if (given.name !== name)
    throw new ServiceError('not-found', `no model ${repeated(given.name)}; the model is ${repeated(name)}`);
  if (given.version !== VERSION)
    throw new ServiceError(
      'not-found',
      `no version ${repeated(given.version)} of ${repeated(name)}; its version is ${VERSION}`,
    );
}

/** Labels of all models of the bundle, without a text's finer ones: the columns of `probabilities`. */
const labelsOf = ({ labels: { fine: _fine, ...labels } }: RecognizerInfo): string[] =>
  [...new Set(Object.values(labels).flat())].sort();

interface Tensor {
  readonly datatype: 'BYTES' | 'FP32';
  readonly shape: readonly number[];
  readonly data: readonly string[] | readonly number[];
}

function tensorsOf(results: readonly Result[], labels: readonly string[]): Record<OutputName, Tensor> {
  const bytes = (data: readonly string[]): Tensor => ({ datatype: 'BYTES', shape: [data.length], data });
  return {
    label: bytes(results.map((result) => (result.error ? '' : result.label))),
    probabilities: {
      datatype: 'FP32',
      shape: [results.length, labels.length],
      data: results.flatMap((result) =>
        labels.map((label) => (result.error ? 0 : (result.probabilities[label] ?? 0))),
      ),
    },
    from: bytes(results.map((result) => (result.error ? '' : result.from))),
    error: bytes(results.map(({ error }) => error?.code ?? '')),
    labels: bytes(labels),
  };
}

function inferResponse(
  c: Context,
  info: RecognizerInfo,
  { id, outputs }: InferRequest,
  results: readonly Result[],
): Response {
  const tensors = tensorsOf(results, labelsOf(info));
  const binary: Uint8Array[] = [];
  const described = outputs.map(({ name, binary: asBytes }) => {
    const { data, ...tensor } = tensors[name];
    if (!asBytes) return { name, ...tensor, data };
    const bytes =
      tensor.datatype === 'FP32'
        ? encodeFloatTensor(data as readonly number[])
        : encodeByteTensor(data as readonly string[]);
    binary.push(bytes);
    return { name, ...tensor, parameters: { binary_data_size: bytes.length } };
  });
  const response = {
    model_name: info.name,
    model_version: VERSION,
    ...defined({ id }),
    outputs: described,
  };
  if (binary.length === 0) return c.json(response);
  const json = new TextEncoder().encode(JSON.stringify(response));
  c.header(JSON_LENGTH, String(json.length));
  return c.body(Buffer.concat([json, ...binary]), 200, { 'Content-Type': 'application/octet-stream' });
}
