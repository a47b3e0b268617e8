// Small feature sets made up for tests: embeddings around a point of their label, split and grouped as real ones.
import { float32, randomStream } from 'mien-engine/base';
import { FACE_LABELS, TEXT_LABELS } from 'mien/parts/data';
import type { FeatureSet, FeatureSets, Fer2013Usage, SetName, SetProvenance, Split } from 'mien-lab';

const ITEMS = { isear: 700, corpora: 700, fer2013: 1400, rafdb: 700, ravdess: 350 } as const;
const WIDTH = { isear: 12, corpora: 12, fer2013: 16, rafdb: 16, ravdess: 10 } as const;

const encoderOf = (name: SetName) =>
  name === 'ravdess' ? 'voice' : name === 'isear' || name === 'corpora' ? 'text' : 'face';

/**
 * Every label's items lie around a point of its own at this distance, in noise of deviation 1. With `corpora` there are
 * texts over the faces' labels too, with `voices` recordings of ten speakers, and with `corrupted` those of the test made
 * worse: at level 1 nothing is left of them.
 */
export function madeUpSets(
  distance = 1,
  {
    corpora = false,
    voices = false,
    corrupted = false,
  }: { readonly corpora?: boolean; readonly voices?: boolean; readonly corrupted?: boolean } = {},
): FeatureSets {
  const set = (name: SetName): FeatureSet => {
    const labelNames: readonly string[] = name === 'isear' ? TEXT_LABELS : FACE_LABELS;
    const [n, width] = [ITEMS[name], WIDTH[name]];
    const draw = randomStream(5, `made-up ${name}`);
    const encoder = encoderOf(name);
    const isText = encoder === 'text';
    const centre = randomStream(5, `centres ${encoder}`);
    // Texts of both sets are of one encoder: a label that both have lies around one point.
    const known: readonly string[] = isText ? [...new Set([...TEXT_LABELS, ...FACE_LABELS])] : FACE_LABELS;
    const points = new Map(
      known.map((label) => [label, Array.from({ length: width }, () => distance * centre.normal())]),
    );
    const centres = labelNames.map((label) => points.get(label)!);
    const labels = Uint8Array.from({ length: n }, (_, i) => i % labelNames.length);
    const embeddings = Float32Array.from(
      { length: n * width },
      (_, i) => centres[labels[Math.floor(i / width)]!]![i % width]! + draw.normal(),
    );
    return {
      ids: Array.from({ length: n }, (_, i) => `${name}-${i}`),
      embeddings: float32([n, width], embeddings),
      labelNames,
      labels,
      split: Array.from(
        { length: n },
        (_, i): Split => (['train', 'train', 'train', 'validation', 'test'] as const)[Math.floor(i / 7) % 5]!,
      ),
      // Items come in blocks of all labels, which are split as a whole.
      subject: Int32Array.from({ length: n }, (_, i) => (encoder === 'voice' ? Math.floor(i / 7) % 10 : -1)),
      group: Int32Array.from({ length: n }, (_, i) => (encoder === 'voice' ? Math.floor(i / 7) % 10 : i)),
    };
  };
  const provenance = (name: SetName): SetProvenance => ({
    encoder: {
      id: `made-up/${encoderOf(name)}`,
      revision: 'local',
      sha256: '0'.repeat(64),
      dtype: 'float32',
      preprocessing: {},
    },
    counts: { train: (ITEMS[name] * 3) / 5, validation: ITEMS[name] / 5, test: ITEMS[name] / 5 },
    width: WIDTH[name],
    fullWidth: WIDTH[name],
    terms: 'none, made up',
  });
  const fer2013 = set('fer2013');
  const usage = fer2013.split.map((split, i): Fer2013Usage =>
    split !== 'test' ? 'Training' : i % 2 ? 'PublicTest' : 'PrivateTest',
  );
  return {
    texts: set('isear'),
    ...(corpora ? { corpora: set('corpora') } : {}),
    faces: { fer2013: { ...fer2013, usage }, rafdb: set('rafdb') },
    ...(voices ? { voices: corrupted ? withCorrupted(set('ravdess')) : set('ravdess') } : {}),
    provenance: {
      source: 'store',
      sets: {
        isear: provenance('isear'),
        ...(corpora ? { corpora: provenance('corpora') } : {}),
        fer2013: provenance('fer2013'),
        rafdb: provenance('rafdb'),
        ...(voices ? { ravdess: provenance('ravdess') } : {}),
      },
      protocol: {},
    },
  };
}

const DEGREES = [
  { as: 'background noise', level: 0.3 },
  { as: 'telephone', level: 1 },
] as const;

/** A set with its test items made worse: a share of them is noise. */
function withCorrupted(set: FeatureSet): FeatureSet {
  const width = set.embeddings.shape[1]!;
  const tests = [...set.ids.keys()].filter((i) => set.split[i] === 'test');
  return {
    ...set,
    corrupted: DEGREES.map(({ as, level }) => {
      const draw = randomStream(5, `made-up ${as}`);
      const worse = tests.flatMap((row) =>
        Array.from(
          set.embeddings.data.subarray(row * width, (row + 1) * width),
          (value) => (1 - level) * value + level * draw.normal(),
        ),
      );
      return { as, level, embeddings: float32([tests.length, width], worse) };
    }),
  };
}
