// What an experiment may be told: every setting with its default, which is the paper's where the paper names one.
import { z } from 'zod';
import { MienError } from '../base/errors.js';
import { nearestName } from '../base/names.js';
import { FACE_LABELS, SHARED_LABELS, TEXT_LABELS, type Label } from '../data/labels.js';
import type { OptimizerSettings } from '../train/optimizer.js';

/** A complete configuration; `parseConfig` fills in what is not given. */
export interface Config {
  /** Model seeds; given as a list, or as a count of consecutive seeds from `seed` on. */
  readonly seeds: readonly number[];
  /** The first seed; data preparation (validation part, pairing) draws from it too. */
  readonly seed: number;
  /** Labels of the fused heads, alphabetical. */
  readonly labels: readonly Label[];
  /** `clean`: subject- and duplicate-disjoint; `paper`: its plain random 80/20. */
  readonly split: 'clean' | 'paper';
  /** Name of the pair of encoders, for instance `frozen` or `paper`. */
  readonly profile: string;
  readonly head: {
    /** Width both embeddings are projected to. */
    readonly width: number;
    /** Hidden width of the LSTM. */
    readonly lstm: number;
  };
  readonly optimizer: OptimizerSettings;
  /** Items a step. */
  readonly batchSize: number;
  readonly epochs: {
    /** Items an epoch has at most; of a larger set, the next epoch goes on where the last one ended. */
    readonly items: number;
    readonly max: number;
    /** Epochs without a better macro-F1 on validation after which training stops. */
    readonly patience: number;
  };
  readonly pairing: {
    /** Test pairings, each with a seed of its own. */
    readonly testSeeds: number;
    /** Whose faces the main multimodal row pairs texts with. */
    readonly faces: 'fer2013' | 'rafdb' | 'both';
  };
  readonly validation: {
    /** Share of the training split that selects and calibrates, and is not trained on. */
    readonly fraction: number;
  };
}

const labelNames = [...new Set<Label>([...TEXT_LABELS, ...FACE_LABELS])].sort();
const seed = z.int().min(0);
const count = z.int().min(1);
const share = z.number().min(0).max(1);
const distinct = (values: readonly number[]): boolean => new Set(values).size === values.length;
const decay = z.number().min(0).lt(1);

const schema = z
  .strictObject({
    seeds: z
      .union([z.int().min(1).max(1000), z.array(seed).min(1).refine(distinct, 'must differ from each other')])
      .default(5),
    seed: seed.default(0),
    labels: z
      .array(z.enum(labelNames))
      .min(2)
      .default([...SHARED_LABELS]),
    split: z.enum(['clean', 'paper']).default('clean'),
    profile: z.string().min(1).default('frozen'),
    head: z.strictObject({ width: count.default(256), lstm: count.default(128) }).prefault({}),
    optimizer: z
      .strictObject({
        name: z.enum(['sgd', 'adam', 'adamw']).default('adam'),
        learningRate: z.number().positive().default(1e-4),
        momentum: decay.default(0.9),
        beta1: decay.default(0.9),
        beta2: decay.default(0.999),
        epsilon: z.number().positive().default(1e-8),
        weightDecay: z.number().min(0).default(0),
        clipNorm: z.number().positive().nullable().default(null),
        schedule: z
          .strictObject({
            name: z.enum(['constant', 'cosine', 'linear']).default('constant'),
            warmup: share.default(0),
          })
          .prefault({}),
      })
      .prefault({}),
    batchSize: count.default(32),
    epochs: z
      .strictObject({ items: count.default(4096), max: count.default(30), patience: count.default(5) })
      .prefault({}),
    pairing: z
      .strictObject({
        testSeeds: count.default(3),
        faces: z.enum(['fer2013', 'rafdb', 'both']).default('fer2013'),
      })
      .prefault({}),
    validation: z.strictObject({ fraction: z.number().gt(0).lt(1).default(0.1) }).prefault({}),
  })
  .transform(({ seeds, labels, ...rest }) => ({
    seeds: typeof seeds === 'number' ? Array.from({ length: seeds }, (_, i) => rest.seed + i) : seeds,
    labels: [...new Set(labels)].sort(),
    ...rest,
  }));

/**
 * A complete configuration from plain data (as YAML or JSON gives it).
 * @throws MienError `config` that names the key's full path, what was expected there and, for an unknown key or
 * value, the nearest known one; `file` is where the data came from.
 */
export function parseConfig(value: unknown, file?: string): Config {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  throw configError(result.error.issues[0]!, file);
}

/** Every key of the configuration as a dotted path: groups and values. */
export const configPaths: readonly string[] = pathsOf(parseConfig({}));

function pathsOf(group: object, prefix = ''): string[] {
  return Object.entries(group).flatMap(([key, value]: [string, unknown]) => {
    const path = prefix + key;
    const inner = typeof value === 'object' && value !== null && !Array.isArray(value);
    return inner ? [path, ...pathsOf(value, `${path}.`)] : [path];
  });
}

const lastKey = (path: string): string => path.slice(path.lastIndexOf('.') + 1);

/**
 * The error for a key that does not exist. It names the nearest key of the same group, else one of the same name
 * in another group, else the nearest path.
 */
export function unknownKey(path: string, file?: string): MienError {
  const prefix = path.slice(0, path.length - lastKey(path).length);
  const beside = configPaths.filter((known) => known === prefix + lastKey(known));
  const near = nearestName(lastKey(path), beside.map(lastKey));
  const meant =
    near === undefined
      ? (configPaths.find((known) => lastKey(known).toLowerCase() === lastKey(path).toLowerCase()) ??
        nearestName(path, configPaths))
      : prefix + near;
  const known = beside.length > 0 ? beside : configPaths.filter((candidate) => !candidate.includes('.'));
  return new MienError('config', 'there is no such setting', {
    ...(file === undefined ? {} : { file }),
    field: path,
    hint: meant === undefined ? `Known: ${known.join(', ')}.` : `Did you mean "${meant}"?`,
  });
}

/** One finding of the schema as an error in mien's words. */
function configError(issue: z.core.$ZodIssue, file?: string): MienError {
  const field = issue.path.join('.');
  const place = { ...(file === undefined ? {} : { file }), ...(field === '' ? {} : { field }) };
  const got = JSON.stringify(issue.input);
  switch (issue.code) {
    case 'unrecognized_keys':
      return unknownKey([...issue.path, issue.keys[0]!].join('.'), file);
    case 'invalid_value': {
      const near = nearestName(String(issue.input), issue.values.map(String));
      return new MienError('config', `must be one of ${issue.values.join(', ')}; got ${got}`, {
        ...place,
        hint: near === undefined ? undefined : `Did you mean "${near}"?`,
      });
    }
    case 'invalid_type': {
      const inner = configPaths.filter((path) => path.startsWith(`${field}.`));
      const expected = issue.expected === 'object' ? 'a group of settings' : kinds[issue.expected];
      return new MienError('config', `must be ${expected ?? issue.expected}; got ${got}`, {
        ...place,
        hint: issue.expected === 'object' && inner.length > 0 ? `Known: ${inner.join(', ')}.` : undefined,
      });
    }
    case 'invalid_union':
      if (Array.isArray(issue.input))
        return new MienError('config', `must be distinct whole numbers from 0 on; got ${got}`, place);
      return new MienError(
        'config',
        `must be a whole number from 1 to 1000, or a list of seeds; got ${got}`,
        place,
      );
    case 'too_small':
      return new MienError(
        'config',
        `must be ${issue.inclusive ? 'at least' : 'above'} ${issue.minimum}${issue.origin === 'array' ? ' entries' : ''}; got ${got}`,
        place,
      );
    case 'too_big':
      return new MienError(
        'config',
        `must be ${issue.inclusive ? 'at most' : 'below'} ${issue.maximum}; got ${got}`,
        place,
      );
    default:
      return new MienError('config', `${issue.message}; got ${got}`, place);
  }
}

const kinds: Readonly<Record<string, string>> = {
  number: 'a number',
  int: 'a whole number',
  string: 'text',
  array: 'a list',
};
