// Figures: panels, each a chart with its data, and a caption; rendered as SVG, PNG and CSV.
import { stringify } from 'csv-stringify/sync';
import sharp from 'sharp';
import * as vega from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import { chartConfig, color, colors, type ColorName } from './theme.js';

/** One chart. */
export interface Panel {
  /** Name of its files: `confusion-text`. */
  readonly id: string;
  /** Distinguishes it from the other panels of its figure; empty if it is the only one. */
  readonly title: string;
  readonly spec: ChartSpec;
  /** The chart's numbers; columns are the keys of the first row. */
  readonly rows: readonly Readonly<Record<string, string | number | null>>[];
  /** Notes on the points, in order; only for charts of points. */
  readonly points?: readonly PointNote[];
}

/** Shown on the page when a point is selected. */
export interface PointNote {
  readonly label: string;
  readonly predicted: string;
  /** Only if the data is available. */
  readonly text?: string;
  /** A data URI. */
  readonly image?: string;
}

export interface Figure {
  readonly id: string;
  readonly title: string;
  /** One or two sentences on what the figure shows and how to read it. */
  readonly caption: string;
  /** Notes that must accompany its numbers. */
  readonly notes?: readonly string[];
  readonly panels: readonly Panel[];
}

/**
 * A Vega-Lite specification without the configuration shared by all charts. Vega-Lite checks it when compiling it
 * (`renderSvg` turns warnings into errors); type-checking it with Vega-Lite's type would take longer than all of mien.
 */
export type ChartSpec = Readonly<Record<string, unknown>>;

/** A panel whose chart draws the panel's rows. */
export const panelOf = (id: string, title: string, rows: Panel['rows'], spec: ChartSpec): Panel => ({
  id,
  title,
  rows,
  spec: { data: { values: rows }, ...spec },
});

/** The encoding of an interval as a line between the fields `low` and `high`. */
export const lowToHigh: ChartSpec = { x: { field: 'low', type: 'quantitative' }, x2: { field: 'high' } };

/** A layer with a dashed vertical reference line. */
export const lineAt = (name: string, value: number): ChartSpec => ({
  data: { values: [{ [name]: value }] },
  mark: { type: 'rule', color: color('muted'), strokeDash: [3, 3] },
  encoding: { x: { field: name, type: 'quantitative' }, y: { value: 0 }, y2: { value: 'height' } },
});

/**
 * The SVG of a chart, in the light theme's colours, without background.
 * @throws Error for any error or warning of Vega-Lite
 */
export async function renderSvg(spec: ChartSpec): Promise<string> {
  const whole = { ...spec, config: chartConfig } as unknown as TopLevelSpec;
  const { spec: compiled } = compile(whole, { logger: strict });
  const view = new vega.View(vega.parse(compiled), { renderer: 'none' });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

/**
 * Without a canvas, Vega assumes that every character is 0.8 em wide, half as much again as it is. Its hook for
 * measuring text is not in its types.
 */
const { textMetrics } = vega as unknown as {
  textMetrics: { width: (item: { fontSize?: number }, text: unknown) => number };
};
textMetrics.width = ({ fontSize = 11 }, text) => 0.55 * fontSize * String(text ?? '').length;

/** Warnings of Vega-Lite mean that a chart does not show what was intended. */
const strict = {
  level: () => strict,
  error: (...words: readonly unknown[]) => reject(words),
  warn: (...words: readonly unknown[]) => reject(words),
  info: () => strict,
  debug: () => strict,
} as unknown as vega.LoggerInterface;

function reject(words: readonly unknown[]): never {
  throw new Error(`Vega-Lite: ${words.map(String).join(' ')}`);
}

/** In pixels. */
export const size = (svg: string): { width: number; height: number } => {
  const [, width = '0', height = '0'] = /<svg[^>]*?width="([\d.]+)" height="([\d.]+)"/.exec(svg) ?? [];
  return { width: Number(width), height: Number(height) };
};

/** For a separate file: with a title and a white background. */
export function standaloneSvg(svg: string, title: string): string {
  const { width, height } = size(svg);
  const ground = `<rect width="${width}" height="${height}" fill="${color('surface')}"/>`;
  return svg.replace(/(<svg[^>]*>)/, `$1<title>${escapeXml(title)}</title>${ground}`);
}

/** For the page: with the theme's CSS variables as colours, as wide as its container, and labelled for screen readers. */
export function inlineSvg(svg: string, title: string): string {
  const themed = (Object.keys(colors) as ColorName[]).reduce(
    (text, name) => text.replaceAll(colors[name].light, `var(--${name})`),
    svg,
  );
  return (
    themed
      .replace(/<svg([^>]*?) width="[\d.]+" height="[\d.]+"/, '<svg$1')
      .replace(/ xmlns(:xlink)?="[^"]*"/g, '')
      // The chart is one image to screen readers: its parts have no labels.
      .replace(/ (?:role="graphics-[a-z]+"|aria-roledescription="[^"]*")/g, '')
      .replace('<svg', `<svg role="img" aria-label="${escapeXml(title)}"`)
  );
}

/** At twice the size, for print and high-resolution screens. */
export const toPng = (svg: string): Promise<Buffer> =>
  sharp(Buffer.from(svg), { density: 144 }).png({ compressionLevel: 9, palette: true }).toBuffer();

export const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** Six significant digits, more than any chart shows, keep files small. */
const rounded = (value: string | number | null): string | number | null =>
  typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value;

/** A panel's numbers as CSV. */
export function panelCsv({ rows }: Pick<Panel, 'rows'>): string {
  const columns = Object.keys(rows[0] ?? {});
  return stringify([columns, ...rows.map((row) => columns.map((column) => rounded(row[column] ?? null)))]);
}
