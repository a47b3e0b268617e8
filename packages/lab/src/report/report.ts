// `mien report`: one page and its figures from one or several results folders.
import { availableParallelism } from 'node:os';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { defined, MienError } from 'mien-engine/base';
import { runInProcesses, writeFileAtomic } from 'mien-engine/node';
import { type Progress, silentProgress } from 'mien/parts/base';
import { moduleInPackage } from '../base/package.js';
import type { PointMap } from '../evaluate/projection.js';
import { panelCsv, renderSvg, standaloneSvg, toPng, type Panel } from './figures/figure.js';
import { openAllResults, type ResultsFolder, rowIds } from './folder.js';
import { openLocalData } from './local-data.js';
import type { MapTask } from './map-worker.js';
import { readModelFacts, type ModelFacts, type ModelPaths } from './model-file.js';
import { figuresOf, renderPage } from './page/page.js';
import { alignedReport, hasAligned } from './sections/aligned.js';
import { abstentionSection } from './sections/abstention.js';
import { confidenceSection } from './sections/confidence.js';
import { corruptionReport } from './sections/corruption.js';
import { explanationSection } from './sections/explanation.js';
import { fusionSection } from './sections/fusion.js';
import { gateSection } from './sections/gate.js';
import { groupsSection } from './sections/groups.js';
import { headsSection } from './sections/heads.js';
import { labelsSection } from './sections/labels.js';
import { modelSection } from './sections/model.js';
import { mappedRow, paperFiguresSection } from './sections/paper-figures.js';
import { provenanceSection } from './sections/provenance.js';
import { resultsSection } from './sections/results.js';
import { runsSection } from './sections/runs.js';
import { trainingSection } from './sections/training.js';
import { hasTriples, voiceSection } from './sections/voice.js';
import type { MapKind, NamedSystem, ReportContext, Section } from './sections/section.js';

export interface ReportOptions {
  /** Results folders, the main one first. */
  readonly folders: readonly string[];
  /** The page; figures are written to a folder beside it, `report-figures/` for `report.html`. */
  readonly out: string;
  /** Folder with the data sets, to show texts and faces; without it, only labels are shown. */
  readonly data?: string;
  /** The bundle whose evaluation is shown; without it, these sections are omitted. */
  readonly model?: ModelPaths;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export interface WrittenReport {
  readonly file: string;
  readonly figures: string;
  /** Names of the charts: each has an SVG, a PNG and a CSV file. */
  readonly charts: readonly string[];
}

/**
 * Writes the report; the page last.
 * @throws MienError `file` and `format` for folders with missing or damaged results, `usage` if `out` does not have the
 *   name of a page, `interrupted`
 */
export async function writeHtmlReport(options: ReportOptions): Promise<WrittenReport> {
  const { out, progress = silentProgress, signal } = options;
  if (!['.html', '.htm'].includes(extname(out)))
    throw new MienError('usage', `a report is an HTML file, "${out}" is not named like one`, {
      field: '--out',
    });
  const folders = await openAllResults(options.folders);
  const systems = nameSystems(folders);
  const data = options.data === undefined ? undefined : await openLocalData(options.data);
  const model = options.model === undefined ? undefined : await readModelFacts(options.model);
  // Other processes compute maps while this one computes statistics; they are terminated if it fails.
  const failed = new AbortController();
  const maps = mapsOf(systems, progress, AbortSignal.any([failed.signal, ...(signal ? [signal] : [])]));
  const context: ReportContext = {
    folders,
    systems,
    ...defined({ data, model }),
    map: async (system, kind) => (await maps).get(`${system.key} ${kind}`),
  };
  const [sections] = await Promise.all([sectionsOf(context), maps]).catch((error: unknown) => {
    failed.abort();
    throw error;
  });

  progress.begin('writing the report', undefined, 'parts');
  const figures = join(dirname(out), `${basename(out, extname(out))}-figures`);
  const svgs = new Map<Panel, string>();
  const draw = async (panel: Panel, title: string): Promise<void> => {
    const svg = await renderSvg(panel.spec);
    svgs.set(panel, svg);
    const alone = standaloneSvg(svg, [title, panel.title].filter((part) => part !== '').join(': '));
    await writeFileAtomic(join(figures, `${panel.id}.svg`), alone);
    await writeFileAtomic(join(figures, `${panel.id}.png`), await toPng(alone));
    await writeFileAtomic(join(figures, `${panel.id}.csv`), panelCsv(panel));
    progress.advance();
  };
  const drawn = figuresOf(sections);
  for (const { title, panels } of drawn) {
    if (signal?.aborted) throw new MienError('interrupted', 'interrupted while figures were drawn');
    // Charts are laid out while other threads render the previous ones as PNG.
    await Promise.all(panels.map((panel) => draw(panel, title)));
  }
  const page = {
    title: 'Emotion from text and faces: the experiment and its figures',
    lead: leadOf(context),
    sections,
    footer: footerOf(context),
  };
  await writeFileAtomic(
    out,
    renderPage(page, (panel) => svgs.get(panel)!),
  );
  progress.end();
  return { file: out, figures, charts: drawn.flatMap(({ panels }) => panels.map(({ id }) => id)) };
}

async function sectionsOf(context: ReportContext): Promise<Section[]> {
  const results = await resultsSection(context);
  const statistics = [
    await fusionSection(context),
    await gateSection(context),
    ...(hasTriples(context) ? [await voiceSection(context)] : []),
    await confidenceSection(context),
    await labelsSection(context),
    await trainingSection(context),
  ];
  return [
    results,
    // Last, since it waits for the maps.
    await paperFiguresSection(context),
    ...statistics,
    ...(context.systems.length > 1 ? [runsSection(context)] : []),
    ...(context.model ? modelSections(context.model) : []),
    provenanceSection(context),
  ];
}

/** The sections on the bundle. */
export const modelSections = (model: ModelFacts): Section[] => [
  modelSection(model),
  ...(hasAligned(model) ? [alignedReport(model)] : []),
  corruptionReport(model),
  abstentionSection(model),
  groupsSection(model),
  explanationSection(model),
  ...(model.comparison ? [headsSection(model.comparison)] : []),
];

/** Every kind of features of every folder, with unique names. */
function nameSystems(folders: readonly ResultsFolder[]): NamedSystem[] {
  const keys = new Set<string>();
  const alone = folders.length === 1 && folders[0]!.systems.length === 1;
  return folders.flatMap(({ path, name, results, systems }, f) =>
    systems.map((system): NamedSystem => {
      const features = system.suffix.slice(1) || system.features.split(' ')[0]!;
      const parts = [
        ...(folders.length > 1 ? [basename(resolve(path))] : []),
        ...(systems.length > 1 || folders.length === 1 ? [features] : []),
      ];
      const plain = parts.join('-').replace(/[^\w.-]+/g, '-');
      const key = alone ? '' : keys.has(plain) ? `${plain}-${f + 1}` : plain;
      keys.add(key);
      return {
        ...system,
        key,
        title: folders.length > 1 ? `${system.features}, ${name}` : system.features,
        ids: rowIds(results.configuration),
      };
    }),
  );
}

/** The maps of all systems, by key and kind. */
async function mapsOf(
  systems: readonly NamedSystem[],
  progress: Progress,
  signal: AbortSignal,
): Promise<Map<string, PointMap>> {
  const keys: string[] = [];
  const tasks: MapTask[] = [];
  for (const system of systems)
    for (const kind of ['text', 'face', 'fused'] as const satisfies readonly MapKind[]) {
      const map = (await system.analysis(mappedRow(system, kind)))?.map;
      if (map === undefined || map.positions.length < 8) continue;
      keys.push(`${system.key} ${kind}`);
      tasks.push({ width: map.width, data: map.representation, settings: {} });
    }
  progress.begin('laying out maps', tasks.length, 'maps');
  const maps = await runInProcesses<undefined, MapTask, PointMap>(tasks, {
    module: moduleInPackage('report/map-worker'),
    setup: undefined,
    processes: availableParallelism(),
    signal,
    stopping: 'kill',
    onDone: () => progress.advance(),
  });
  progress.end();
  return new Map(keys.map((key, i) => [key, maps[i]!]));
}

function leadOf({ folders }: ReportContext): string {
  const [{ results }] = folders as [ResultsFolder];
  const { seeds, pairing, split } = results.configuration;
  return (
    'A measurement of Mishra et al. 2026, “Lightweight Multimodal Emotion Recognition Using Cross-Dataset Feature Fusion of Text ' +
    `and Facial Expressions”, by mien ${results.environment.mien}: ${seeds.length} model seeds, ${pairing.testSeeds} test pairings, ` +
    `${split === 'clean' ? 'splits on which no subject, text or face repeats' : 'the paper’s plain random split'}.`
  );
}

const footerOf = ({ folders, data }: ReportContext): string =>
  `Made by mien report from ${folders.map(({ path }) => path).join(', ')}. ` +
  (data
    ? 'This page shows texts and faces of the data sets: their terms of use, above, hold for the page as well.'
    : 'It contains no text and no face of the data sets.');
