// Explanations of predicted items: asked for one by one, told in words, numbers and, where a folder is named, pictures.
import { mkdir } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { renderText } from './text-table.js';
import { faceParts } from '../recognizer/heat-map.js';
import type { NamedItem } from '../recognizer/node/items.js';
import type { ExplainOptions, Explanation, Recognizer, Result } from '../recognizer/types.js';

/** What stands beside an answer that has itself and its warnings already. */
export interface Explained extends Omit<Explanation, 'result' | 'warnings' | 'error'> {
  /** Name of the picture in the folder of heat maps. */
  readonly heatMap?: string;
}

export interface Explaining extends ExplainOptions {
  /** Where heat maps go; without it none is drawn. */
  readonly folder?: string | undefined;
  /** As the recogniser was loaded with: an image that it reads is read for its heat map too. */
  readonly maxPixels?: number | undefined;
}

/** What explains the item of a row (counted from 1); nothing, where there is no answer. */
export async function explainingWith(recognizer: Recognizer, { folder, maxPixels, ...options }: Explaining) {
  if (folder !== undefined) await mkdir(folder, { recursive: true });
  return async (item: NamedItem, result: Result, row: number): Promise<Explained | undefined> => {
    if (result.error) return undefined;
    const explanation = await recognizer.explain(item, options);
    if (explanation.error) return undefined;
    const { result: _result, warnings: _warnings, ...told } = explanation;
    if (!told.face || folder === undefined || item.image === null || item.image === undefined) return told;
    const heatMap = `${row}-${basename(item.id, extname(item.id)).replace(/[^\w.-]+/g, '_')}.png`;
    const { writeHeatMap } = await import('./heat-map-file.js');
    await writeHeatMap(join(folder, heatMap), item.image, told.face, maxPixels);
    return { ...told, heatMap };
  };
}

const signed = (value: number): string =>
  `${value < 0 ? '\u2212' : '+'}${Math.abs(value).toFixed(2).replace(/^0\./, '.')}`;

/** One explanation at length, words in the order of the text. */
export function renderExplained({ label, text, face, shares, heatMap }: Explained, width: number): string {
  const parts = face && faceParts(face);
  const rows = [
    (shares ? [['the words', shares.text] as const, ['the face', shares.face] as const] : []).map(
      ([name, { value, share }]) => [
        `${name} (${share.toFixed(2).replace(/^0\./, '.')} of what moved it)`,
        signed(value),
      ],
    ),
    (text?.words ?? []).map(({ word, attribution }) => [word, signed(attribution)]),
    Object.entries(parts ?? {}).map(([part, value]) => [
      part === 'elsewhere' ? 'rest of the face' : part,
      signed(value),
    ]),
  ].filter((group) => group.length > 0);
  const table = renderText(
    {
      columns: [{ header: `why ${label}` }, { header: 'log-odds', align: 'right' }],
      groups: rows.map((group) => ({ rows: group })),
    },
    { width },
  );
  return heatMap === undefined ? table : `${table}\n\nheat map: ${heatMap}`;
}

/** What counted most, in a line: a word, a part of the face. */
export function briefly({ text, face }: Explained): string {
  const parts: [string, number][] = Object.entries((face && faceParts(face)) ?? {}).filter(
    ([part]) => part !== 'elsewhere',
  );
  const words = (text?.words ?? []).map(({ word, attribution }): [string, number] => [
    `“${word}”`,
    attribution,
  ]);
  return [words, parts]
    .flatMap((some) => {
      const [first, ...others] = some;
      if (!first) return [];
      const [name, value] = others.reduce(
        (most, one) => (Math.abs(one[1]) > Math.abs(most[1]) ? one : most),
        first,
      );
      return [`${name} ${signed(value)}`];
    })
    .join(', ');
}
