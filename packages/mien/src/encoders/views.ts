// The views of a face that a network reads: the image as it is, its mirror image, or both.
import {
  concat,
  constant,
  type Dim,
  gather,
  type Graph,
  input,
  int64,
  mean,
  mergeLeading,
  reshape,
  splitLeading,
  type Value,
} from 'mien-engine';

/** What the input `views` of a network takes: the image as it is, or it and its mirror image. */
export const VIEWS = { own: int64([1], [0]), both: int64([2], [0, 1]) } as const;

/** The input of a graph that says which views are read: `[views]`, 0 for the image and 1 for its mirror image. */
export const viewsInput = (graph: Graph): Value => input(graph, 'views', 'int64', ['views']);

/** Images `[n, 3, h, w]` and their mirror images, those that are asked for: `[passes, 3, h, w]`. */
export function viewsOf(images: Value, views: Value): Value {
  const [n, channels, height, width] = images.shape as [Dim, number, number, number];
  const reversed = Array.from({ length: width }, (_, x) => width - 1 - x);
  const mirrored = gather(images, constant(images.graph, int64([width], reversed)), 3);
  const both = [images, mirrored].map((side) => reshape(side, [n, 1, channels, height, width]));
  return mergeLeading(gather(concat(both, 1), views, 1), 'passes');
}

/** Rows of passes `[passes, width]` as means over the views of each image: `[n, width]`. */
export const meanOfViews = (rows: Value, images: Value, views: Value): Value =>
  mean(splitLeading(rows, images.shape[0]!, views.shape[0]!), [1]);
