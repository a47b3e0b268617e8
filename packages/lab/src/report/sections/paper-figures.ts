// The paper's figures: confusion matrix and map of text, of image, and of the fused model.
import { defined } from 'mien-engine/base';
import { confusionPanel } from '../figures/confusion.js';
import type { Figure, Panel } from '../figures/figure.js';
import { describeMap, mapPanel, type MappedItem } from '../figures/map.js';
import { argmax } from 'mien/parts';
import { confusionCounts } from '../statistics/errors.js';
import { pairingNote } from '../tables.js';
import {
  missingAnalyses,
  panelId,
  panelTitle,
  type Block,
  type MapKind,
  type NamedSystem,
  type ReportContext,
  type Section,
} from './section.js';

const kinds: Readonly<Record<MapKind, { title: string; model: string }>> = {
  text: { title: 'Text only', model: 'the text head' },
  face: { title: 'Image only', model: 'the face head' },
  fused: { title: 'Gated fusion', model: 'the gated head' },
};

/** The row that a kind of map and confusion matrix is of. */
export const mappedRow = ({ ids }: NamedSystem, kind: MapKind): string =>
  kind === 'fused' ? ids.pairs[0]!.heads.find(({ head }) => head === 'gated')!.id : ids[kind];

export async function paperFiguresSection(context: ReportContext): Promise<Section> {
  const figures: Figure[] = [];
  let complete = true;
  for (const kind of ['text', 'face', 'fused'] as const) {
    const panels: Panel[] = [];
    const made: string[] = [];
    let dataset = '';
    for (const system of context.systems) {
      const predictions = await system.predictions(mappedRow(system, kind));
      if (predictions === undefined) continue;
      dataset = system.row(mappedRow(system, kind))!.dataset;
      const { labels, runs } = predictions;
      panels.push(
        confusionPanel(
          panelId(`confusion-${kind}`, system),
          panelTitle('confusion matrix', system, context),
          labels,
          confusionCounts(predictions),
          runs.length,
        ),
      );
      const map = await context.map(system, kind);
      complete &&= map !== undefined;
      if (map === undefined) continue;
      const items = await mappedItems(context, system, kind);
      panels.push(
        mapPanel(
          panelId(`map-${kind}`, system),
          panelTitle('what the classifier sees', system, context),
          labels,
          map,
          items,
        ),
      );
      made.push(panelTitle(describeMap(map), system, context));
    }
    if (panels.length === 0) continue;
    figures.push({
      id: `paper-${kind}`,
      title: `${kinds[kind].title}, ${dataset}`,
      caption:
        'Matrix: the share of each true label’s items that is given each label, over all seeds' +
        (kind === 'fused' ? ' and pairings' : '') +
        `. ${made.length === 0 ? '' : `Map: test items by what ${kinds[kind].model} (first seed) hands to its classifier, laid out by t-SNE: neighbours are alike, while distances between groups, axes and sizes mean nothing (${made.join('; ')}).`}`,
      notes: kind === 'fused' ? [pairingNote] : [],
      panels,
    });
  }
  return {
    id: 'paper-figures',
    title: 'The paper’s figures',
    blocks: [
      ...(complete ? [] : [{ text: missingAnalyses }]),
      ...figures.map((figure): Block => ({ figure })),
    ],
  };
}

/** The points of a map in its order: label, prediction of the first run, and the item itself where it is at hand. */
async function mappedItems(
  { data }: ReportContext,
  system: NamedSystem,
  kind: MapKind,
): Promise<MappedItem[]> {
  const id = mappedRow(system, kind);
  const { labels, runs } = (await system.predictions(id))!;
  const { positions } = (await system.analysis(id))!.map!;
  const { ids, faceIds, truth, posteriors } = runs[0]!;
  const predicted = argmax(posteriors);
  return Promise.all(
    Array.from(positions, async (position): Promise<MappedItem> => {
      const item = ids[position]!;
      const text = kind === 'face' ? undefined : data?.text(item);
      const image = await data?.face(kind === 'face' ? item : (faceIds?.[position] ?? ''));
      return {
        id: item,
        label: labels[truth[position]!]!,
        predicted: labels[predicted[position]!]!,
        ...defined({ text, image }),
      };
    }),
  );
}
