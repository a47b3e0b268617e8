// The recogniser itself: an open bundle, a face finder and a decoder become `recognize`.
import { inBatches, MienError, type SessionOptions } from 'mien-engine';
import { modalitiesOf, type Modality, partOf } from '../bundle/manifest.js';
import type { OpenBundle } from '../bundle/open.js';
import type { Encoded, ReadingTools } from '../modalities/modality.js';
import { answerItems } from './answer.js';
import { checkCertainty, knowsCertainty } from './certainty.js';
import type { BundleFiles, Explainer } from '../explain/explainer.js';
import { recognizerOf, throwIfAborted, type Computation } from './facade.js';
import { priorsOf } from './prior.js';
import { prepareItem, type PreparedItem } from './prepare.js';
import type { ReadItem } from './read-item.js';
import type { RecognizeOptions, Recognizer, RecognizerInfo, Result } from './types.js';

export interface RecognizerParts extends ReadingTools {
  readonly bundle: OpenBundle;
  /** Reads the bundle's files again, for explanations; without it there are none. */
  readonly read?: () => Promise<BundleFiles>;
  readonly session?: SessionOptions;
  /** What to open once it is there, before the next item; if it fails, so does the item that needs it. */
  readonly soon?: Promise<() => Promise<unknown>>;
}

/** Items that are held in memory and computed together. */
const ITEMS_AT_ONCE = 32;

/** A recogniser over an open bundle; `dispose` closes the bundle and the face finder with it. */
export const createRecognizer = (parts: RecognizerParts): Recognizer => recognizerOf(computationOf(parts));

/** The computation alone: a child of a pool has its items and options checked by its parent. */
export function computationOf({ bundle, read, session, soon, ...tools }: RecognizerParts): Computation {
  let explainer: Explainer | undefined;
  // Sessions of the web runtime do not run twice at a time: calls queue up.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work, work);
    last = mine.catch(() => undefined);
    return mine;
  };
  let disposed = false;
  soon?.then((open) => inTurn(async () => disposed || open())).catch(() => undefined);

  const some = async (items: readonly ReadItem[], options: RecognizeOptions): Promise<Result[]> => {
    const prepared: PreparedItem[] = [];
    for (const item of items) {
      throwIfAborted(options.signal);
      prepared.push(await prepareItem(item, bundle, { tools, options }));
    }
    throwIfAborted(options.signal);
    return compute(bundle, prepared, options);
  };
  return {
    info: infoOf(bundle),
    modalities: bundle.modalities,
    run: (items, options) =>
      inTurn(async () => {
        checkCertainty(bundle.manifest, options);
        const results: Result[] = [];
        for (const batch of inBatches(items, ITEMS_AT_ONCE)) results.push(...(await some(batch, options)));
        return results;
      }),
    explain: (item, options) =>
      inTurn(async () => {
        // What differentiates is as much code as all else: a page that never explains never loads it.
        const [{ createExplainer }, { explainItem }] = await Promise.all([
          import('../explain/explainer.js'),
          import('./explain.js'),
        ]);
        explainer ??= createExplainer(bundle.manifest, read ?? unreadable, session);
        return explainItem(item, options, { bundle, tools, explainer });
      }),
    dispose: () =>
      inTurn(async () => {
        disposed = true;
        await explainer?.dispose();
        await bundle.dispose();
        await tools.faces.dispose();
      }),
  };
}

const unreadable = (): never => {
  throw new MienError('usage', 'this recogniser was made without its bundle’s files and cannot explain');
};

function infoOf({ manifest }: OpenBundle): RecognizerInfo {
  const { name, text, fusion, words, terms, files } = manifest;
  return {
    name,
    terms,
    files,
    words: words !== undefined,
    certainty: knowsCertainty(manifest),
    labels: {
      ...Object.fromEntries(modalitiesOf(manifest).map((one) => [one, partOf(manifest, one).labels])),
      ...(fusion ? { fused: fusion.labels } : {}),
      ...(text?.fine ? { fine: text.fine } : {}),
    },
    priors: priorsOf(manifest),
  };
}

/** Runs each model once over all items that have something for it. */
async function compute(
  bundle: OpenBundle,
  items: readonly PreparedItem[],
  options: RecognizeOptions,
): Promise<Result[]> {
  const encoded: { [M in Modality]?: Encoded } = {};
  const rows = items.map((): { [M in Modality]?: number } => ({}));
  for (const modality of modalitiesOf(bundle.manifest)) {
    const units: unknown[] = [];
    items.forEach((item, i) => {
      const own = item.units[modality];
      if (!own) return;
      rows[i]![modality] = units.length;
      units.push(...own);
    });
    if (units.length > 0) encoded[modality] = await bundle.encode(modality, units, options);
  }
  const placed = items.map((prepared, i) => ({ prepared, rows: rows[i]! }));
  return answerItems(bundle, placed, encoded, options);
}
