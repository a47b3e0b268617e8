// Attributions of the tokens of a text: integrated gradients over word vectors, with the bundle's weights.
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
import { decisionFeeds, decisionOn, type ExplanationTarget } from './decision.js';
import { wordVectorsOf } from './entrance.js';
import { integrate, type AttributeOptions, type Integral } from './integrate.js';
import { pathPoints } from './path.js';
import { rebuild } from './rebuild.js';

interface TextQuestion extends ExplanationTarget {
  /** Token ids, special ones included. */
  readonly ids: Int32Array;
  /** Token ids of the baseline, of the same length. */
  readonly baseline: Int32Array;
}

export interface TextExplainer {
  /** One attribution per token to the label's log-odds; they sum to the difference from the baseline. */
  attribute(question: TextQuestion, options?: AttributeOptions): Promise<Integral>;
  dispose(): Promise<void>;
}

/** Batch size in points of the path; larger batches are not faster and take more memory. */
const PLACES_PER_RUN = 8;

/**
 * An explainer of texts.
 * @throws MienError `bundle` if a model was not written by `mien export`.
 */
export async function createTextExplainer(
  manifest: BundleManifest,
  { text, decision }: { readonly text: Model; readonly decision: Model },
  options: SessionOptions = {},
): Promise<TextExplainer> {
  const found = lookupOf(text);
  const lookup = await createSession(found.bytes, options);
  const session = await createSession(pathModel(manifest, text, decision, found), options);
  const vectors = async (ids: Int32Array): Promise<Tensor> => {
    const { words } = await lookup.run({ ids: int32([1, ids.length], ids) });
    return { ...words!, shape: words!.shape.slice(1) };
  };
  return {
    async attribute({ ids, baseline, ...target }, settings) {
      const feeds = {
        ...decisionFeeds(manifest, decision, 'text', target),
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

/** The word vectors: their name in the text model, their width, and a model from `ids` to `words`. */
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
  decision: Model,
  { name, width }: { name: string; width: number },
): Uint8Array {
  const graph = createGraph('text path');
  const words = input(graph, 'words', 'float32', ['tokens', width]);
  const baseline = input(graph, 'baseline', 'float32', ['tokens', width]);
  const places = input(graph, 'places', 'float32', ['batch']);
  const difference = sub(words, baseline);
  const point = add(baseline, mul(reshape(places, ['batch', 1, 1]), difference));
  const values = rebuild(graph, model, { [name]: point, ids: { shape: ['batch', 'tokens'] } }, [
    'embedding',
    'logits',
  ]);
  const value = decisionOn(graph, manifest, decision, 'text', {
    embedding: values.get('embedding')!,
    logits: values.get('logits')!,
  });
  const [gradient] = gradients(sum(value), [point]);
  return encodeModel(graph, { value, slopes: sum(mul(gradient!, difference), [2]) });
}
