// Made-up results that report tests render; the numbers mean nothing.
import { parseConfig } from '../../src/experiments/config.js';
import type {
  CostRow,
  ExperimentResults,
  ModelName,
  PaperRow,
  ResultRow,
  TableName,
} from '../../src/experiments/results.js';

const labels = ['anger', 'disgust', 'fear', 'joy', 'sadness'];
const triples = 'ISEAR × RAF-DB × RAVDESS';
const around = (mean: number) => ({ mean, low: mean - 0.0061, high: mean + 0.0061 });

function row(
  table: TableName,
  model: ModelName,
  accuracy: number,
  reproduces: PaperRow | null,
  variant: string | null = null,
): ResultRow {
  const multimodal = model !== 'text' && model !== 'face';
  return {
    id: [table, model, variant?.replaceAll(' ', '-')].filter(Boolean).join('-'),
    table,
    model,
    labels,
    dataset: multimodal ? 'ISEAR × FER2013' : model === 'text' ? 'ISEAR' : 'FER2013',
    variant,
    features: 'frozen encoders',
    n: model === 'face' ? 5342 : 1090,
    seeds: [0, 1, 2, 3, 4],
    pairings: multimodal ? [0, 1, 2] : [],
    reproduces,
    accuracy: around(accuracy),
    precision: around(accuracy - 0.01),
    recall: around(accuracy - 0.02),
    f1: around(accuracy - 0.015),
    calibration: { brier: 0.4, logLoss: 0.7, ece: 0.03 },
  };
}

const cost = (profile: string, part: CostRow['part'], name: string, parameters: number): CostRow => ({
  profile,
  part,
  name,
  item: part === 'text encoder' ? '16 tokens' : part === 'face encoder' ? '96 × 96 px' : 'pair',
  parameters,
  trainedParameters: part === 'head' ? parameters : 0,
  multiplyAdds: parameters * 12,
  bytes: parameters * 4,
  milliseconds: profile === 'paper' ? null : 3.21,
});

export const example: ExperimentResults = {
  rows: [
    row('II', 'text', 0.721, 'text'),
    row('II', 'face', 0.641, 'face'),
    row('II', 'face', 0.602, null, 'paired label distribution'),
    row('II', 'gated', 0.851, 'multimodal'),
    row('II', 'product', 0.856, null),
    row('III', 'text', 0.721, 'ablation-text'),
    row('III', 'face', 0.641, 'ablation-face'),
    row('III', 'concatenation', 0.849, 'ablation-concatenation'),
    row('III', 'gated', 0.851, 'ablation-gated'),
    row('III', 'gated-no-lstm', 0.85, null),
    row('III', 'static-gate', 0.848, null),
    row('III', 'product', 0.856, null),
    row('IV', 'gated', 0.851, 'multimodal'),
    row('IV', 'product', 0.856, null),
    { ...row('triples', 'voice', 0.741, null), dataset: triples, modalities: ['voice'] },
    {
      ...row('triples', 'gated', 0.921, null, 'trained with some missing'),
      dataset: triples,
      modalities: ['text', 'face', 'voice'],
      gate: { text: 0.5, face: 0.2, voice: 0.3 },
      additive: around(0.913),
    },
  ],
  costs: [
    cost('frozen', 'text encoder', 'sentence-transformers/all-MiniLM-L6-v2', 22_700_000),
    cost('frozen', 'face encoder', 'timm/tf_efficientnetv2_b0.in1k', 5_860_000),
    cost('frozen', 'head', 'gated', 2_100_000),
    cost('frozen', 'total', '', 30_660_000),
    cost('paper', 'text encoder', 'distilbert/distilbert-base-uncased', 66_400_000),
    cost('paper', 'face encoder', 'timm/efficientnet_b3.ra2_in1k', 10_700_000),
    cost('paper', 'head', 'gated', 2_400_000),
    cost('paper', 'total', '', 79_500_000),
  ],
  counts: {
    isear: {
      train: { anger: 700, joy: 710 },
      validation: { anger: 80, joy: 79 },
      test: { anger: 218, joy: 219 },
      dropped: { 'no response': 87 },
      encoder: { id: 'all-MiniLM-L6-v2', revision: 'local', sha256: '00', dtype: 'float32' },
      terms: 'research use with attribution',
    },
  },
  configuration: parseConfig({}),
  environment: {
    mien: '0.1.0',
    node: '20.20.2',
    onnxruntime: '1.30.0',
    platform: 'linux x64',
    cpu: 'a processor',
    cores: 2,
  },
};
