// Sections of the report (paragraphs, tables, figures), their input, and the formatting of numbers in them.
import { share } from '../tables.js';
import type { TextTable } from 'mien/parts/cli';
import type { Interval } from 'mien/parts/evaluate';
import type { PointMap } from '../../evaluate/projection.js';
import { escapeXml, type Figure } from '../figures/figure.js';
import type { ResultsFolder, RowIds, System } from '../folder.js';
import type { LocalData } from '../local-data.js';
import type { ModelFacts } from '../model-file.js';

export type Block =
  | { readonly text: string }
  | { readonly table: TextTable }
  | { readonly figure: Figure }
  /** Other markup, made by the section from escaped text. */
  | { readonly html: string };

export interface Section {
  readonly id: string;
  readonly title: string;
  readonly blocks: readonly Block[];
}

/** One kind of features of one folder, with a unique name. */
export interface NamedSystem extends System {
  /** Suffix of its file names; empty if there is only one system. */
  readonly key: string;
  readonly title: string;
  readonly ids: RowIds;
}

/** The representations that a map shows. */
export type MapKind = 'text' | 'face' | 'fused';

export interface ReportContext {
  readonly folders: readonly ResultsFolder[];
  readonly systems: readonly NamedSystem[];
  readonly data?: LocalData;
  /** The bundle whose evaluation is shown. */
  readonly model?: ModelFacts;
  /** Undefined if the folder has no representations. */
  map(system: NamedSystem, kind: MapKind): Promise<PointMap | undefined>;
}

/** `accuracy-frozen`, or `accuracy` if there is only one system. */
export const panelId = (name: string, { key }: Pick<NamedSystem, 'key'>): string =>
  key === '' ? name : `${name}-${key}`;

/** Text as part of an anchor or file name. */
export const slug = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]+/g, '-');

/** A panel's title, with the system's name if there are several. */
export const panelTitle = (name: string, system: NamedSystem, { systems }: ReportContext): string =>
  [name, systems.length > 1 ? system.title : ''].filter((part) => part !== '').join(', ');

/** Shown if an older results folder lacks what a section needs. */
export const missingAnalyses =
  'These results were kept without the analyses this section needs. Run mien reproduce again with the same --out: ' +
  'finished runs are only analysed, not trained again.';

/** The origin of numbers: markup of a sentence, and the command that made them. */
export const commandNote = (sentence: string, command: string): Block => ({
  html: `<p class="note">${sentence}</p><pre tabindex="0">${escapeXml(command)}</pre>`,
});

/** `.790 (.771 to .808)`. */
export const formatInterval = ({ mean, low, high }: Interval): string =>
  low === null || high === null ? share(mean) : `${share(mean)} (${share(low)} to ${share(high)})`;

/** `−0.3` percentage points of a share. */
export const points = (value: number): string =>
  (100 * value)
    .toFixed(1)
    .replace(/^-/, '−')
    .replace(/^−0\.0$/, '0.0');

/** `−0.3 (−1.5 to 0.9)` percentage points. */
export const formatPoints = ({ mean, low, high }: Interval): string =>
  low === null || high === null ? points(mean) : `${points(mean)} (${points(low)} to ${points(high)})`;

export const formatP = (value: number): string =>
  value < 0.001 ? '< .001' : value.toFixed(3).replace(/^0/, '');
