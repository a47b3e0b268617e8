// The paper's figures: confusion matrices and maps (t-SNE) of text, of image, and of the fused model.
import { defined } from 'mien-engine/base';
import { argmax } from 'mien/parts/evaluate';
import type { PointMap } from '../../evaluate/projection.js';
import { confusionCounts, confusionPanel } from '../figures/confusion.js';
import type { Figure, Panel, PointNote } from '../figures/figure.js';
import { labelScales } from '../figures/theme.js';
import { pairingNote } from '../tables.js';
import {
  type Block,
  type MapKind,
  missingAnalyses,
  type NamedSystem,
  panelId,
  panelTitle,
  type ReportContext,
  type Section,
} from './section.js';

const kinds: Readonly<Record<MapKind, { title: string; model: string }>> = {
  text: { title: 'Text only', model: 'the text head' },
  face: { title: 'Image only', model: 'the face head' },
  fused: { title: 'Gated fusion', model: 'the gated head' },
};

/** The row of a kind of map and confusion matrix. */
export const mappedRow = ({ ids }: NamedSystem, kind: MapKind): string =>
  kind === 'fused' ? ids.pairs[0].headId('gated') : ids[kind];

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

/** The points of a map, in order: label, prediction of the first run, and the item itself if the data is available. */
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

interface MappedItem extends PointNote {
  readonly id: string;
}

function mapPanel(
  id: string,
  title: string,
  labels: readonly string[],
  { coordinates }: PointMap,
  items: readonly MappedItem[],
): Panel {
  const rows = items.map(({ id: item, label, predicted }, i) => ({
    id: item,
    label,
    predicted,
    x: coordinates[2 * i]!,
    y: coordinates[2 * i + 1]!,
  }));
  const scales = labelScales(labels);
  const place = { type: 'quantitative', axis: null, scale: { zero: false, nice: false } } as const;
  return {
    id,
    title,
    rows,
    points: items,
    spec: {
      width: 300,
      height: 300,
      data: { values: rows },
      mark: { type: 'point', filled: true, size: 22, opacity: 0.75, strokeWidth: 0 },
      encoding: {
        x: { field: 'x', ...place },
        y: { field: 'y', ...place },
        color: {
          field: 'label',
          type: 'nominal',
          scale: scales.color,
          legend: { title: null, columns: 5, symbolOpacity: 1 },
        },
        shape: { field: 'label', type: 'nominal', scale: scales.shape },
      },
    },
  };
}

/** Describes how the map was made and how trustworthy it is. */
function describeMap({ trustworthiness, settings, coordinates }: PointMap): string {
  const { perplexity, iterations, learningRate, seed, neighbours } = settings;
  return (
    `${(coordinates.length / 2).toLocaleString('en-US')} points, perplexity ${perplexity}, ${iterations} steps at ` +
    `learning rate ${learningRate}, seed ${seed}; trustworthiness ${trustworthiness.toFixed(3)} over ${neighbours} neighbours`
  );
}
