// The recogniser itself: an open bundle, a face finder and a decoder become `recognize`.
import { inBatches, MienError, type SessionOptions } from 'mien-engine';
import type { OpenBundle } from '../bundle/open.js';
import { answerItems } from './answer.js';
import { checkCertainty, knowsCertainty } from './certainty.js';
import type { BundleFiles, Explainer } from '../explain/explainer.js';
import { recognizerOf, throwIfAborted, type Computation } from './facade.js';
import { priorsOf } from './prior.js';
import { contextOf, prepareItem, type FaceFinder, type Prepared } from './prepare.js';
import type { ReadItem } from './read-item.js';
import type { DecodeImage, RecognizeOptions, Recognizer, RecognizerInfo, Result } from './types.js';

export interface RecognizerParts {
  readonly bundle: OpenBundle;
  readonly faces: FaceFinder;
  readonly decode: DecodeImage;
  /** Reads the bundle's files again, for explanations; without it there are none. */
  readonly read?: () => Promise<BundleFiles>;
  readonly session?: SessionOptions;
}

/** Items that are held in memory and computed together. */
const ITEMS_AT_ONCE = 32;

/** A recogniser over an open bundle; `dispose` closes the bundle and the face finder with it. */
export const createRecognizer = (parts: RecognizerParts): Recognizer => recognizerOf(computationOf(parts));

/** The computation alone: a child of a pool has its items and options checked by its parent. */
export function computationOf({ bundle, faces, decode, read, session }: RecognizerParts): Computation {
  let explainer: Explainer | undefined;
  // Sessions of the web runtime do not run twice at a time: calls queue up.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work, work);
    last = mine.catch(() => undefined);
    return mine;
  };

  const some = async (items: readonly ReadItem[], options: RecognizeOptions): Promise<Result[]> => {
    const prepared: Prepared[] = [];
    for (const item of items) {
      throwIfAborted(options.signal);
      prepared.push(await prepareItem(item, contextOf(bundle, { faces, decode, options })));
    }
    throwIfAborted(options.signal);
    return compute(bundle, prepared, options);
  };
  return {
    info: infoOf(bundle),
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
        return explainItem(item, options, { bundle, faces, decode, explainer });
      }),
    dispose: () =>
      inTurn(async () => {
        await explainer?.dispose();
        await bundle.dispose();
        await faces.dispose();
      }),
  };
}

const unreadable = (): never => {
  throw new MienError('usage', 'this recogniser was made without its bundle’s files and cannot explain');
};

function infoOf({ manifest }: OpenBundle): RecognizerInfo {
  const { name, text, face, fusion, terms, files } = manifest;
  return {
    name,
    terms,
    files,
    certainty: knowsCertainty(manifest),
    labels: {
      ...(text ? { text: text.labels } : {}),
      ...(face ? { face: face.labels } : {}),
      ...(fusion ? { fused: fusion.labels } : {}),
      ...(text?.fine ? { fine: text.fine } : {}),
    },
    priors: priorsOf(manifest),
  };
}

/** Runs each model once over all items that have something for it. */
async function compute(
  bundle: OpenBundle,
  items: readonly Prepared[],
  options: RecognizeOptions,
): Promise<Result[]> {
  const withText = items.flatMap((item, i) => (item.text === undefined ? [] : [i]));
  const withFace = items.flatMap((item, i) => (item.crops.length === 0 ? [] : [i]));
  const texts =
    withText.length > 0 ? await bundle.tokens(withText.map((i) => items[i]!.text!.ids)) : undefined;
  const crops = withFace.flatMap((i) => items[i]!.crops);
  const faces =
    crops.length > 0
      ? await bundle.faces(
          crops.map(({ image }) => image),
          { mirror: options.mirror },
        )
      : undefined;
  const textRow = new Map(withText.map((i, row) => [i, row]));
  const faceRow = new Map<number, number>();
  let next = 0;
  for (const i of withFace) {
    faceRow.set(i, next);
    next += items[i]!.crops.length;
  }
  const placed = items.map((prepared, i) => ({
    prepared,
    rows: { text: textRow.get(i), face: faceRow.get(i) },
  }));
  return answerItems(bundle, placed, { text: texts, face: faces }, options);
}
