// Which tokens speak for a label: integrated gradients over word vectors, on the bundle's own weights.
import {
  add,
  createGraph,
  createSession,
  encodeModel,
  gradients,
  input,
  int32,
  type Model,
  mul,
  reshape,
  type SessionOptions,
  staticShape,
  sub,
  sum,
  type Tensor,
} from 'mien-engine';
import type { BundleManifest } from '../bundle/manifest.js';
import { wordVectorsOf } from './entrance.js';
import { decisionFeeds, decisionOn, type ExplanationTarget } from './inputs.js';
import { integrate, type AttributeOptions, type Integral } from './integrate.js';
import { pathPoints } from './path.js';
import { rebuild } from './rebuild.js';

interface TextQuestion extends ExplanationTarget {
  /** Token ids, special ones included. */
  readonly ids: Int32Array;
  /** As many token ids of a text that says nothing. */
  readonly baseline: Int32Array;
}

export interface TextExplainer {
  /** Attributions, one a token, to the label's log-odds; they sum to the difference from the baseline's. */
  attribute(question: TextQuestion, options?: AttributeOptions): Promise<Integral>;
  dispose(): Promise<void>;
}

/** Places of the path that are computed together: more are not faster, and take more memory. */
const PLACES_PER_RUN = 8;

/**
 * Builds what explains texts.
 * @throws MienError `bundle` when a model is not one that `mien export` writes.
 */
export async function createTextExplainer(
  manifest: BundleManifest,
  { text, fusion }: { readonly text: Model; readonly fusion?: Model | undefined },
  options: SessionOptions = {},
): Promise<TextExplainer> {
  const found = lookupOf(text);
  const lookup = await createSession(found.bytes, options);
  const session = await createSession(pathModel(manifest, text, fusion, found), options);
  const vectors = async (ids: Int32Array): Promise<Tensor> => {
    const { words } = await lookup.run({ ids: int32([1, ids.length], ids) });
    return { ...words!, shape: words!.shape.slice(1) };
  };
  return {
    async attribute({ ids, baseline, ...asked }, settings) {
      const feeds = {
        ...decisionFeeds(manifest, fusion !== undefined, 'text', asked),
        words: await vectors(ids),
        baseline: await vectors(baseline),
      };
      return integrate(
        (places) => pathPoints(session, feeds, places, PLACES_PER_RUN, settings?.signal),
        settings,
      );
    },
    async dispose() {
      await lookup.dispose();
      await session.dispose();
    },
  };
}

/** What turns ids into vectors: its name in the text model, the vectors' width, and a model from `ids` to `words`. */
function lookupOf(model: Model): { name: string; width: number; bytes: Uint8Array } {
  const graph = createGraph('word vectors');
  const name = wordVectorsOf(model);
  const ids = input(graph, 'ids', 'int32', [1, 'tokens']);
  const words = rebuild(graph, model, { ids }, [name]).get(name)!;
  return { name, width: staticShape(words.shape.slice(-1))[0]!, bytes: encodeModel(graph, { words }) };
}

/**
 * From `words` and `baseline` `[tokens, width]` and `places` `[batch]` between them to the log-odds there and to
 * `slopes` `[batch, tokens]`.
 */
function pathModel(
  manifest: BundleManifest,
  model: Model,
  fusion: Model | undefined,
  { name, width }: { name: string; width: number },
): Uint8Array {
  const graph = createGraph('text path');
  const words = input(graph, 'words', 'float32', ['tokens', width]);
  const baseline = input(graph, 'baseline', 'float32', ['tokens', width]);
  const places = input(graph, 'places', 'float32', ['batch']);
  const way = sub(words, baseline);
  const point = add(baseline, mul(reshape(places, ['batch', 1, 1]), way));
  const values = rebuild(graph, model, { [name]: point, ids: { shape: ['batch', 'tokens'] } }, [
    'embedding',
    'logits',
  ]);
  const value = decisionOn(graph, manifest, fusion, 'text', {
    embedding: values.get('embedding')!,
    logits: values.get('logits')!,
  });
  const [gradient] = gradients(sum(value), [point]);
  return encodeModel(graph, { value, slopes: sum(mul(gradient!, way), [2]) });
}
