// What an experiment may be told: every setting with its default, which is the paper's where the paper names one.
import { z } from 'zod';
import { defineSettings, type SettingsSources } from 'mien/parts/base';
import { FACE_LABELS, type Label, SHARED_LABELS, TEXT_LABELS } from 'mien/parts/data';
import type { HeadName } from '../heads/heads.js';
import type { OptimizerSettings } from '../train/optimizer.js';

/** Heads that are trained only where they are asked for. */
const FURTHER_HEADS = ['tensor', 'low-rank'] as const satisfies readonly HeadName[];
type FurtherHead = (typeof FURTHER_HEADS)[number];

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
    /** Of tensor fusion: width of each side before their outer product. */
    readonly tensor: number;
    /** Of low-rank fusion: rank of its weight tensor. */
    readonly rank: number;
    /** Of heads that read tokens and regions: their width, attention heads, and the transformer's layers. */
    readonly attention: { readonly width: number; readonly heads: number; readonly layers: number };
  };
  /** Fused heads that the ablation has besides the gate, its variants and concatenation. */
  readonly furtherHeads: readonly FurtherHead[];
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
  readonly triples: {
    /** How often each modality is missing in the training of the head for incomplete triples, from 0 to 1. */
    readonly missing: number;
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
      .union(
        [z.int().min(1).max(1000), z.array(seed).min(1).refine(distinct, 'must differ from each other')],
        {
          error: ({ input }) =>
            Array.isArray(input)
              ? 'must be distinct whole numbers from 0 on'
              : 'must be a whole number from 1 to 1000, or a list of seeds',
        },
      )
      .default(5),
    seed: seed.default(0),
    labels: z
      .array(z.enum(labelNames))
      .min(2)
      .default([...SHARED_LABELS]),
    split: z.enum(['clean', 'paper']).default('clean'),
    profile: z.string().min(1).default('frozen'),
    head: z
      .strictObject({
        width: count.default(256),
        lstm: count.default(128),
        tensor: count.default(32),
        rank: count.default(4),
        attention: z
          .strictObject({ width: count.default(64), heads: count.default(4), layers: count.default(2) })
          .refine(({ width, heads }) => width % heads === 0, 'width must be a multiple of heads')
          .prefault({}),
      })
      .prefault({}),
    furtherHeads: z.array(z.enum(FURTHER_HEADS)).default([]),
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
    triples: z.strictObject({ missing: z.number().min(0).lt(1).default(0.3) }).prefault({}),
    validation: z.strictObject({ fraction: z.number().gt(0).lt(1).default(0.1) }).prefault({}),
  })
  .transform(({ seeds, labels, ...rest }) => ({
    seeds: typeof seeds === 'number' ? Array.from({ length: seeds }, (_, i) => rest.seed + i) : seeds,
    labels: [...new Set(labels)].sort(),
    ...rest,
  }));

/** The settings of an experiment: reading them from plain data, files and the command line. */
export const experimentSettings = defineSettings<Config>(schema);

/** A complete configuration from plain data. @throws MienError `config` as `Settings.parse` does. */
export const parseConfig = (value: unknown, file?: string): Config => experimentSettings.parse(value, file);

/** The configuration that a file and overrides make. @throws MienError as `Settings.load` does. */
export const loadConfig = (sources: SettingsSources = {}): Promise<Config> =>
  experimentSettings.load(sources);
