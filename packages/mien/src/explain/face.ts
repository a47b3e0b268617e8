// Attributions of the parts of a face: integrated gradients over a feature map that still has spatial resolution, with the
// bundle's weights.
import {
  add,
  constant,
  createGraph,
  createSession,
  encodeModel,
  gather,
  gradients,
  input,
  int64,
  type Model,
  mul,
  reshape,
  type SessionOptions,
  type Shape,
  staticShape,
  sub,
  sum,
  tensor,
  type Tensor,
  type Tensors,
  type Value,
} from 'mien-engine';
import type { BundleManifest } from '../bundle/manifest.js';
import type { DecodedImage } from '../encoders/encoder.js';
import { blankOf } from './blank.js';
import { decisionFeeds, decisionOn, type ExplanationTarget } from './decision.js';
import { cutOf, oneView, type Cut, type View } from './entrance.js';
import { integrate, type AttributeOptions, type Integral } from './integrate.js';
import { pathPoints } from './path.js';
import { rebuild } from './rebuild.js';

interface FaceQuestion extends ExplanationTarget {
  /** The cropped face. */
  readonly image: DecodedImage;
}

interface FaceAttribution extends Omit<Integral, 'attributions'> {
  readonly rows: number;
  readonly columns: number;
  /** Row by row; they sum to the difference from the baseline's log-odds. */
  readonly cells: readonly number[];
}

export interface FaceExplainer {
  attribute(question: FaceQuestion, options?: AttributeOptions): Promise<FaceAttribution>;
  dispose(): Promise<void>;
}

/** Batch size in points of the path. */
const PLACES_PER_RUN = 8;
/** Maximum number of cells along a side. */
const MAX_CELLS = 16;

/**
 * An explainer of faces.
 * @throws MienError `bundle` if a model was not written by `mien export`.
 */
export async function createFaceExplainer(
  manifest: BundleManifest,
  { face, decision }: { readonly face: Model; readonly decision: Model },
  options: SessionOptions = {},
): Promise<FaceExplainer> {
  const cut = cutOf(face);
  const below = lowerModel(face, cut);
  const lower = await createSession(below.bytes, options);
  const session = await createSession(pathModel(manifest, face, decision, cut, below.shape), options);
  const mapsOf = ({ width, height, data }: DecodedImage): Promise<Tensors> =>
    lower.run({ pixels: tensor('uint8', [1, height, width, 3], data) });
  return {
    async attribute({ image, ...target }, settings) {
      const [maps, blank] = [await mapsOf(image), await mapsOf(blankOf(image))];
      const feeds = {
        ...decisionFeeds(manifest, decision, 'face', target),
        ...Object.fromEntries(cut.views.map((view) => [`${view} map`, maps[view]!])),
        ...Object.fromEntries(cut.views.map((view) => [`${view} blank`, blank[view]!])),
      };
      const { attributions, ...rest } = await integrate(
        (places) => pathPoints(session, feeds, places, PLACES_PER_RUN, settings?.signal),
        settings,
      );
      return { ...rest, ...pooled(attributions, sidesOf(maps['original']!, cut)) };
    },
    async dispose() {
      await lower.dispose();
      await session.dispose();
    },
  };
}

/** The model from `pixels` to the feature map at the cut, by view, and the shape of the map. */
function lowerModel(model: Model, cut: Cut): { bytes: Uint8Array; shape: Shape } {
  const graph = createGraph('face below');
  const pixels = input(graph, 'pixels', 'uint8', [1, 'height', 'width', 3]);
  const maps = cut.views.map((view): [View, Value] => {
    const values = rebuild(graph, model, { pixels, ...oneView(graph, cut, view) }, [cut.name]);
    return [view, values.get(cut.name)!];
  });
  return { bytes: encodeModel(graph, Object.fromEntries(maps)), shape: maps[0]![1].shape };
}

/**
 * From the maps of a face and of a blank, `original map`, `original blank` and so on `[1, …]`, and `places` `[batch]` between them
 * to the log-odds there and to `slopes` `[batch, rows, columns]`.
 */
function pathModel(
  manifest: BundleManifest,
  model: Model,
  decision: Model,
  cut: Cut,
  shape: Shape,
): Uint8Array {
  const graph = createGraph('face path');
  const places = reshape(input(graph, 'places', 'float32', ['batch']), ['batch', 1, 1, 1]);
  const sides = cut.views.map((view) => {
    const blank = input(graph, `${view} blank`, 'float32', shape);
    const difference = sub(input(graph, `${view} map`, 'float32', shape), blank);
    const point = add(blank, mul(places, difference));
    const pixels = { shape: ['batch', 1, 1, 3] };
    const given = { pixels, [cut.name]: point, ...oneView(graph, cut, view) };
    return {
      view,
      difference,
      point,
      embedding: rebuild(graph, model, given, ['embedding']).get('embedding')!,
    };
  });
  const embedding = mul(
    sides.map((side) => side.embedding).reduce((a, b) => add(a, b)),
    1 / sides.length,
  );
  const logits = rebuild(graph, model, { embedding }, ['logits']).get('logits')!;
  const value = decisionOn(graph, manifest, decision, 'face', { embedding, logits });
  const points = sides.map(({ point }) => point);
  const slopes = gradients(sum(value), points).map((gradient, i) => {
    const { view, difference } = sides[i]!;
    const slope = sum(mul(gradient, difference), [cut.channels]);
    return view === 'mirrored' && cut.behindViews ? mirrored(slope) : slope;
  });
  return encodeModel(graph, { value, slopes: slopes.reduce((a, b) => add(a, b)) });
}

/** Maps `[batch, rows, columns]` with their columns in reverse order. */
function mirrored(map: Value): Value {
  const [columns] = staticShape(map.shape.slice(-1)) as [number];
  const order = Array.from({ length: columns }, (_, x) => columns - 1 - x);
  return gather(map, constant(map.graph, int64([columns], order)), 2);
}

const sidesOf = ({ shape }: Tensor, { channels }: Cut): [number, number] =>
  shape.slice(1).toSpliced(channels - 1, 1) as [number, number];

/** Sums over neighbouring positions if there are more than `MAX_CELLS` along a side. */
function pooled(
  values: Float64Array,
  [height, width]: readonly [number, number],
): Pick<FaceAttribution, 'rows' | 'columns' | 'cells'> {
  const [rows, columns] = [Math.min(height, MAX_CELLS), Math.min(width, MAX_CELLS)];
  const cells = new Array<number>(rows * columns).fill(0);
  values.forEach((value, i) => {
    const row = Math.floor((Math.floor(i / width) * rows) / height);
    const column = Math.floor(((i % width) * columns) / width);
    cells[row * columns + column]! += value;
  });
  return { rows, columns, cells };
}
