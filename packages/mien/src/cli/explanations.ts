// Explains predicted items one by one and renders the explanations as text and, given a folder, as heat maps.
import { mkdir } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { renderText } from './text-table.js';
import { faceParts } from '../recognizer/heat-map.js';
import type { NamedItem } from '../recognizer/node/items.js';
import type {
  Contribution,
  ExplainOptions,
  Explanation,
  FaceExplanation,
  Recognizer,
  Result,
} from '../recognizer/types.js';

/** An explanation to print next to its answer, so without result and warnings. */
export interface PrintedExplanation extends Omit<Explanation, 'result' | 'warnings' | 'error'> {
  /** File name in the folder of heat maps. */
  readonly heatMap?: string;
}

interface ExplainerOptions extends ExplainOptions {
  /** Folder for heat maps; without it none are drawn. */
  readonly folder?: string | undefined;
  /** As the recogniser was loaded with, so that every image it decodes can be decoded for its heat map. */
  readonly maxPixels?: number | undefined;
}

/** Explains the item of a row (counted from 1); undefined if there is no answer. */
export type ExplainRow = (
  item: NamedItem,
  result: Result,
  row: number,
) => Promise<PrintedExplanation | undefined>;

export async function createRowExplainer(
  recognizer: Recognizer,
  { folder, maxPixels, ...options }: ExplainerOptions,
): Promise<ExplainRow> {
  if (folder !== undefined) await mkdir(folder, { recursive: true });
  return async (item, result, row) => {
    if (result.error) return undefined;
    const explained = await recognizer.explain(item, options);
    if (explained.error) return undefined;
    const { result: _result, warnings: _warnings, ...explanation } = explained;
    const { face } = explanation;
    if (!face || folder === undefined || item.image === null || item.image === undefined) return explanation;
    const heatMap = `${row}-${basename(item.id, extname(item.id)).replace(/[^\w.-]+/g, '_')}.png`;
    const { writeHeatMap } = await import('./heat-map-file.js');
    await writeHeatMap(join(folder, heatMap), item.image, face, maxPixels);
    return { ...explanation, heatMap };
  };
}

const signed = (value: number): string =>
  `${value < 0 ? '\u2212' : '+'}${Math.abs(value).toFixed(2).replace(/^0\./, '.')}`;

/** A complete explanation, with words in the order of the text. */
export function renderExplanation(
  { label, text, face, shares, heatMap }: PrintedExplanation,
  width: number,
): string {
  const { base: _base, ...modalities } = shares ?? { base: 0 };
  const groups = [
    Object.entries<Contribution>(modalities).map(([name, { value, share }]) => [
      `${name} (${share.toFixed(2).replace(/^0\./, '.')} of the effect)`,
      signed(value),
    ]),
    (text?.words ?? []).map(({ word, attribution }) => [word, signed(attribution)]),
    partsOf(face).map(([part, value]) => [part === 'elsewhere' ? 'rest of the face' : part, signed(value)]),
  ];
  const table = renderText(
    {
      columns: [{ header: `why ${label}` }, { header: 'log-odds', align: 'right' }],
      groups: groups.filter((rows) => rows.length > 0).map((rows) => ({ rows })),
    },
    { width },
  );
  return heatMap === undefined ? table : `${table}\n\nheat map: ${heatMap}`;
}

/** The main reasons in one line: the word and the part of the face with the largest attribution. */
export function summarizeExplanation({ text, face }: PrintedExplanation): string {
  const parts = partsOf(face).filter(([part]) => part !== 'elsewhere');
  const words = (text?.words ?? []).map(({ word, attribution }) => [`“${word}”`, attribution] as const);
  return [words, parts].flatMap(largest).join(', ');
}

const partsOf = (face: FaceExplanation | undefined): [part: string, value: number][] =>
  Object.entries<number>((face && faceParts(face)) ?? {});

function largest(attributions: readonly (readonly [name: string, value: number])[]): string[] {
  const [first, ...others] = attributions;
  if (!first) return [];
  const [name, value] = others.reduce((max, one) => (Math.abs(one[1]) > Math.abs(max[1]) ? one : max), first);
  return [`${name} ${signed(value)}`];
}
