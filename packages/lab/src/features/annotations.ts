// Labels, splits, subjects and groups of the items in feature stores, joined to the embeddings by id. They are stored
// beside the stores, so that features can be used and packed without the raw data.
import { join } from 'node:path';
import { z } from 'zod';
import { defined, float32, MienError, type Tensor } from 'mien-engine/base';
import { readJson, sha256 } from 'mien-engine/node';
import { checkData } from 'mien/parts/base';
import { FACE_LABELS, type FaceItem, type Protocol, TEXT_LABELS } from 'mien/parts/data';
import { type CorruptedItems, corruptedId, readDegrees, splitDegrees } from './corrupted.js';
import { canonicalJson, FEATURES_MANIFEST } from './format.js';
import {
  type BySet,
  completeSets,
  countSplits,
  type FeatureSet,
  type FeatureSets,
  type Fer2013FeatureSet,
  type Fer2013Usage,
  SET_NAMES,
  type SetName,
  type SetProvenance,
  type SomeSets,
  type Split,
  STORE_NAMES,
  type StoreName,
  termsOf,
  termsOfItems,
} from './sets.js';
import type { Store } from './store.js';

/** Annotations of the items of one set that are not dropped, in the protocol's order. */
interface Annotation {
  readonly ids: readonly string[];
  /** Index into the set's label names. */
  readonly labels: readonly number[];
  readonly split: readonly Split[];
  readonly subject: readonly number[];
  readonly group: readonly number[];
  /** SHA-256 of the item's bytes when the protocol was made. */
  readonly sha256: readonly string[];
  /** FER2013 only. */
  readonly usage?: readonly Fer2013Usage[] | undefined;
}

export interface Annotations {
  readonly format: 'mien-annotations/1';
  /** Settings and counts of cleaning and splitting. */
  readonly protocol: Readonly<Record<string, unknown>>;
  readonly sets: Readonly<Partial<Record<SetName, Annotation>>>;
  /** Name of each store's folder, beside this file. */
  readonly stores: Readonly<Partial<Record<StoreName, string>>>;
}

export const ANNOTATIONS_NAME = 'annotations.json';

const labelNamesOf = (set: SetName): readonly string[] => (set === 'isear' ? TEXT_LABELS : FACE_LABELS);

/** Numbers keys in the order of their first occurrence; undefined is −1. */
function numberer(): (key: string | number | undefined) => number {
  const numbers = new Map<string | number, number>();
  return (key) => {
    if (key === undefined) return -1;
    const known = numbers.get(key) ?? numbers.size;
    numbers.set(key, known);
    return known;
  };
}

const usageOf = ({ usage, split }: FaceItem): Fer2013Usage =>
  usage ?? (split === 'train' ? 'Training' : 'unknown');

/** Annotations of a protocol, by set, without dropped items. */
export function annotate(
  protocol: Protocol,
  stores: Readonly<Partial<Record<StoreName, string>>> = {},
): Annotations {
  const sets: Partial<Record<SetName, Annotation>> = {};
  const texts = protocol.texts.flatMap((text) => (text.split === 'dropped' ? [] : [text]));
  const names: readonly string[] = TEXT_LABELS;
  if (texts.length > 0) {
    const [subject, group] = [numberer(), numberer()];
    sets.isear = {
      ids: texts.map(({ item }) => item.id),
      labels: texts.map(({ label }) => names.indexOf(label)),
      split: texts.map(({ split }) => split),
      subject: texts.map(({ item }) => subject(item.subject)),
      group: texts.map((text) => group(text.group)),
      sha256: texts.map(({ text }) => sha256(text)),
    };
  }
  if (protocol.corpora && protocol.corpora.length > 0) {
    const items = protocol.corpora;
    const faceNames: readonly string[] = FACE_LABELS;
    sets.corpora = {
      ids: items.map(({ id }) => id),
      labels: items.map(({ label }) => faceNames.indexOf(label)),
      split: items.map(({ split }) => split),
      // Duplicates have been dropped before, and writers are unknown.
      subject: items.map(() => -1),
      group: items.map((_, i) => i),
      sha256: items.map(({ text }) => sha256(text)),
    };
  }
  const group = numberer(); // shared by both sets: a face may have a copy in the other set
  for (const set of ['fer2013', 'rafdb'] as const) {
    const faces = protocol.faces.flatMap((face) =>
      face.split === 'dropped' || face.item.dataset !== set ? [] : [face],
    );
    if (faces.length === 0) continue;
    const faceNames: readonly string[] = FACE_LABELS;
    sets[set] = {
      ids: faces.map(({ item }) => item.id),
      labels: faces.map(({ label }) => faceNames.indexOf(label)),
      split: faces.map(({ split }) => split),
      subject: faces.map(() => -1),
      group: faces.map((face) => group(face.group)),
      sha256: faces.map((face) => face.sha256),
      ...defined({ usage: set === 'fer2013' ? faces.map(({ item }) => usageOf(item)) : undefined }),
    };
  }
  const { voices, settings, counts } = protocol;
  if (voices) {
    const labelNames: readonly string[] = FACE_LABELS;
    const speaker = numberer();
    const speakers = voices.items.map((item) => speaker(item.speaker));
    sets.ravdess = {
      ids: voices.items.map(({ id }) => id),
      labels: voices.items.map(({ label }) => labelNames.indexOf(label)),
      split: voices.items.map(({ split }) => split),
      subject: speakers,
      // Whole speakers are split.
      group: speakers,
      sha256: voices.items.map((item) => item.sha256),
    };
  }
  const kept = {
    ...settings,
    counts,
    ...(voices && { voices: { speakers: voices.speakers, dropped: voices.dropped } }),
  };
  return { format: 'mien-annotations/1', protocol: kept, sets, stores };
}

/**
 * Joins a protocol and the stores filled from its items into the feature sets of an experiment.
 * @throws MienError `data` if the protocol lacks a set, `store` if a store lacks an item or has other bytes of it
 */
export const setsFromStores = (protocol: Protocol, stores: BySet<Store>): FeatureSets =>
  completeSets(joinSets(annotate(protocol), stores));

/**
 * Joins annotations and stores into the sets of which there are both.
 * @throws MienError `data` if one set of faces is there without the other, `store` as `setsFromStores`
 */
export function joinSets(
  annotations: Annotations,
  stores: Readonly<Partial<Record<StoreName, Store>>>,
): SomeSets {
  const provenance: Partial<Record<SetName, SetProvenance>> = {};
  const joined = (set: SetName): FeatureSet | undefined => {
    const annotation = annotations.sets[set];
    const store = stores[set];
    if (annotation === undefined || store === undefined) return undefined;
    const { width, encoder } = store.manifest.config;
    const items = {
      ...featureSet(set, annotation, store),
      ...corruptedItems(annotation, stores[`${set} corrupted`]),
    };
    const counts = countSplits(items.split);
    const terms = set === 'corpora' ? termsOfItems(items.ids) : termsOf(set);
    provenance[set] = { encoder, counts, width, fullWidth: width, terms };
    return items;
  };
  const [texts, corpora, voices] = [joined('isear'), joined('corpora'), joined('ravdess')];
  const [fer2013, rafdb] = [joined('fer2013'), joined('rafdb')];
  const usage = annotations.sets.fer2013?.usage ?? fer2013?.ids.map((): Fer2013Usage => 'unknown');
  return {
    ...defined({ texts, corpora, faces: bothFaces(fer2013 && { ...fer2013, usage: usage! }, rafdb), voices }),
    provenance: { source: 'store', sets: provenance, protocol: annotations.protocol },
  };
}

/** @throws MienError `data` if one of the two is missing */
function bothFaces(
  fer2013: Fer2013FeatureSet | undefined,
  rafdb: FeatureSet | undefined,
): SomeSets['faces'] | undefined {
  if (fer2013 === undefined && rafdb === undefined) return undefined;
  if (fer2013 !== undefined && rafdb !== undefined) return { fer2013, rafdb };
  const [there, missing] = fer2013 ? ['fer2013', 'rafdb'] : ['rafdb', 'fer2013'];
  throw new MienError('data', `there are features of ${there}, and none of ${missing}`, {
    hint: 'Specify a data folder with isear, fer2013 and rafdb.',
  });
}

function featureSet(set: SetName, annotation: Annotation, store: Store): FeatureSet {
  const { ids, sha256: hashes } = annotation;
  return {
    ids,
    embeddings: rowsOf(store, ids, hashes),
    labelNames: labelNamesOf(set),
    labels: Uint8Array.from(annotation.labels),
    split: annotation.split,
    subject: Int32Array.from(annotation.subject),
    group: Int32Array.from(annotation.group),
  };
}

/** The test items at each degree, if there is a store of them. */
function corruptedItems(
  { ids, split, sha256: hashes }: Annotation,
  store: Store | undefined,
): { readonly corrupted?: readonly CorruptedItems[] } {
  if (store === undefined) return {};
  const { preprocessing } = store.manifest.config.encoder;
  const degrees = readDegrees(String(preprocessing['corrupted']), join(store.dir, FEATURES_MANIFEST));
  const tests = [...ids.keys()].filter((i) => split[i] === 'test');
  const rows = rowsOf(
    store,
    degrees.flatMap((degree) => tests.map((i) => corruptedId(degree, ids[i]!))),
    degrees.flatMap(() => tests.map((i) => hashes[i]!)),
  );
  return { corrupted: splitDegrees(rows, degrees) };
}

/**
 * Embeddings `[n, width]` of the items with these ids.
 * @throws MienError `store` if the store lacks one, or has another hash of it
 */
function rowsOf(store: Store, ids: readonly string[], hashes: readonly string[]): Tensor<'float32'> {
  const width = store.embeddings.shape[1]!;
  const rows = new Map(store.ids.map((id, row) => [id, row]));
  const data = new Float32Array(ids.length * width);
  ids.forEach((id, i) => {
    const row = rows.get(id);
    const hint = 'Run `mien extract` on this data again.';
    if (row === undefined)
      throw new MienError('store', 'this item is not in the feature store', {
        file: store.dir,
        field: id,
        hint,
      });
    const hash = Buffer.from(store.hashes.data.subarray(row * 32, row * 32 + 32)).toString('hex');
    if (hash !== hashes[i])
      throw new MienError('store', 'the data has changed since the features were extracted', {
        file: store.dir,
        field: id,
        hint,
      });
    data.set(store.embeddings.data.subarray(row * width, (row + 1) * width), i * width);
  });
  return float32([ids.length, width], data);
}

const numbers = z.array(z.int());
const annotationSchema = z
  .strictObject({
    ids: z.array(z.string()),
    labels: numbers,
    split: z.array(z.enum(['train', 'validation', 'test'])),
    subject: numbers,
    group: numbers,
    sha256: z.array(z.string()),
    usage: z.array(z.enum(['Training', 'PublicTest', 'PrivateTest', 'unknown'])).optional(),
  })
  .refine((value) => Object.values(value).every((list) => list?.length === value.ids.length), {
    message: 'its lists have different lengths',
  });
const annotationsSchema = z.strictObject({
  format: z.literal('mien-annotations/1'),
  protocol: z.record(z.string(), z.unknown()),
  sets: z.partialRecord(z.enum(SET_NAMES), annotationSchema),
  stores: z.partialRecord(z.enum(STORE_NAMES), z.string()),
});

/** Content of an annotations file, the same for equal annotations. */
export const encodeAnnotations = (annotations: Annotations): string => `${canonicalJson(annotations)}\n`;

/** @throws MienError `file` if there is none, `format` if it is damaged */
export async function readAnnotations(dir: string): Promise<Annotations> {
  const file = join(dir, ANNOTATIONS_NAME);
  return checkData(annotationsSchema, await readJson(file), {
    file,
    fault: 'is not a valid annotations file',
    hint: 'Run `mien extract` again: it rewrites this file.',
  });
}
