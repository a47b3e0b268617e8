// `analysis/<row>.safetensors`: the input of statistics besides a row's predictions, readable without mien.
import { z } from 'zod';
import {
  defined,
  encodeSafetensors,
  float32,
  int32,
  MienError,
  tensor,
  type Tensor,
  type Tensors,
} from 'mien-engine/base';
import { readSafetensorsFile } from 'mien-engine/node';
import { scores, type Scores } from 'mien/parts/evaluate';
import type { RowAnalysis } from '../experiments/results.js';

const FORMAT = 'mien-analysis';
/** Increased if a reader of the previous form would misread the new one. */
const VERSION = '1';

const trainingsSchema = z.array(
  z.object({
    bestEpoch: z.int(),
    history: z.array(
      z.object({
        epoch: z.int(),
        loss: z.number(),
        accuracy: z.number(),
        validation: z.number(),
        seconds: z.number(),
      }),
    ),
  }),
);

const bytes = (values: ArrayLike<number>): Tensor<'uint8'> =>
  tensor('uint8', [values.length], Uint8Array.from(values));

/** Lists of equal length as one tensor `[...shape, length]`. */
function stacked(shape: readonly number[], lists: readonly ArrayLike<number>[]): Tensor<'float32'> {
  const length = lists[0]!.length;
  const data = new Float32Array(lists.length * length);
  lists.forEach((list, i) => data.set(list, i * length));
  return float32([...shape, length], data);
}

/** Scores as one tensor `[...shape, n, labels]`. */
function stackedScores(shape: readonly number[], all: readonly Scores[]): Tensor<'float32'> {
  const flat = stacked(
    shape,
    all.map(({ data }) => data),
  );
  const { classes } = all[0]!;
  return float32([...shape, flat.shape.at(-1)! / classes, classes], flat.data);
}

/** The bytes of an analysis; docs/results.md lists the tensors. */
export function encodeAnalysis(row: string, labels: readonly string[], analysis: RowAnalysis): Uint8Array[] {
  const { seeds, validation, uncalibrated, subjects, gates, additive, mismatched, map } = analysis;
  const runs = [seeds.length, uncalibrated[0]!.length];
  const tensors: Tensors = {
    'validation.labels': bytes(validation.truth),
    'validation.posteriors': stackedScores([seeds.length], validation.posteriors),
    'test.uncalibrated': stackedScores(runs, uncalibrated.flat()),
    ...(subjects && { 'test.subjects': int32([subjects.length], subjects) }),
    ...(gates && { 'test.gates': stacked(runs, gates.flat()) }),
    ...(additive && { 'additive.logits': stackedScores([seeds.length], additive) }),
    ...(mismatched && {
      'mismatched.face_labels': bytes(mismatched.faceLabels),
      'mismatched.posteriors': stackedScores([seeds.length], mismatched.posteriors),
    }),
    ...(map && {
      'map.positions': int32([map.positions.length], map.positions),
      'map.representation': float32([map.positions.length, map.width], map.representation),
    }),
  };
  return [
    ...encodeSafetensors(tensors, {
      format: FORMAT,
      version: VERSION,
      row,
      labels: JSON.stringify(labels),
      seeds: JSON.stringify(seeds),
      trainings: JSON.stringify(analysis.trainings),
    }),
  ];
}

/** The `[n, labels]` parts of a tensor, indexed by its first `depth` dimensions. */
function partsOf({ shape, data }: Tensor<'float32'>, depth: number): Scores[] {
  const classes = shape.at(-1)!;
  const size = shape.slice(depth).reduce((product, dim) => product * dim, 1);
  return Array.from({ length: data.length / size }, (_, i) =>
    scores(classes, data.subarray(i * size, (i + 1) * size)),
  );
}

const inGroups = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: items.length / size }, (_, i) => items.slice(i * size, (i + 1) * size));

/** @throws MienError `file` if it cannot be read, `format` if it is not the analysis of a row */
export async function readAnalysis(file: string): Promise<RowAnalysis> {
  const { tensors, metadata } = await readSafetensorsFile(file);
  if (metadata['format'] !== FORMAT || metadata['version'] !== VERSION)
    throw new MienError('format', `is not an analysis of the form ${VERSION}`, {
      file,
      hint: 'Run `mien reproduce` again: it writes the analyses anew.',
    });
  const json = (key: string): unknown => {
    try {
      return JSON.parse(metadata[key] ?? '') as unknown;
    } catch (cause) {
      throw new MienError('format', 'is not JSON', { file, field: key, cause });
    }
  };
  const need = (name: string): Tensor => {
    const found = tensors[name];
    if (found === undefined) throw new MienError('format', 'is missing', { file, field: name });
    return found;
  };
  const floats = (name: string) => need(name) as Tensor<'float32'>;
  const integers = (name: string) => need(name).data as Int32Array | Uint8Array;
  const uncalibrated = floats('test.uncalibrated');
  const pairings = uncalibrated.shape[1]!;
  const gates = tensors['test.gates'] as Tensor<'float32'> | undefined;
  return {
    seeds: z.array(z.int()).parse(json('seeds')),
    trainings: trainingsSchema.parse(json('trainings')),
    validation: {
      truth: integers('validation.labels'),
      posteriors: partsOf(floats('validation.posteriors'), 1),
    },
    uncalibrated: inGroups(partsOf(uncalibrated, 2), pairings),
    subjects: tensors['test.subjects'] === undefined ? null : integers('test.subjects'),
    ...defined({
      gates:
        gates &&
        inGroups(
          partsOf(gates, 2).map(({ data }) => data),
          pairings,
        ),
      additive: tensors['additive.logits'] && partsOf(floats('additive.logits'), 1),
      mismatched: tensors['mismatched.posteriors'] && {
        faceLabels: integers('mismatched.face_labels'),
        posteriors: partsOf(floats('mismatched.posteriors'), 1),
      },
      map: tensors['map.representation'] && {
        positions: integers('map.positions'),
        width: floats('map.representation').shape[1]!,
        representation: floats('map.representation').data,
      },
    }),
  };
}
