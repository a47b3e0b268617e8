// Which rows of an experiment the report's figures and tests are about.
import { headNames, modalitiesOf, type HeadName } from '../heads/heads.js';
import type { Config } from '../experiments/config.js';
import { FACE_SOURCES } from '../experiments/plan.js';
import type { FaceSource } from '../experiments/data.js';
import { setTitles } from '../experiments/row-parts.js';

/** Ids of rows on one kind of pairs, without the suffix that rows beside others have. */
export interface PairedIds {
  readonly source: FaceSource;
  readonly dataset: string;
  readonly text: string;
  /** The face head on the faces of the pairs. */
  readonly face: string;
  readonly product: string;
  readonly heads: readonly { readonly head: HeadName; readonly id: string }[];
}

export interface RowIds {
  /** On the items of one set, at their own label distribution: text, faces. */
  readonly text: string;
  readonly face: string;
  /** All seven labels of each set. */
  readonly seven: readonly string[];
  /** Main pairs first. */
  readonly pairs: readonly PairedIds[];
}

const fusedHeads = headNames.filter((head) => modalitiesOf(head).length > 1);

/** The ids that `experiment/rows.ts` gives; a row need not be there. */
export function rowIds({ labels, pairing }: Pick<Config, 'labels' | 'pairing'>): RowIds {
  const k = labels.length;
  const main = pairing.faces;
  const text = `II-text-${k}`;
  return {
    text,
    face: `II-face-${k}-${main}`,
    seven: ['II-text-7', ...FACE_SOURCES.map((source) => `II-face-7-${source}`)],
    pairs: [main, ...FACE_SOURCES.filter((source) => source !== main)].map((source) => ({
      source,
      dataset: `ISEAR × ${setTitles[source]}`,
      text,
      face: `II-face-${k}-${source}-paired`,
      product: `III-product-${source}`,
      heads: fusedHeads.map((head) => ({ head, id: `III-${head}-${source}` })),
    })),
  };
}
