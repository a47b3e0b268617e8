// A figure: panels, each a chart with its data, and a sentence that says what they show.
import { stringify } from 'csv-stringify/sync';
import sharp from 'sharp';
import * as vega from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import { chartConfig, color, colors, type ColorName } from './theme.js';

/** One chart. */
export interface Panel {
  /** Names its files: `confusion-text`. */
  readonly id: string;
  /** What tells it from the other panels of its figure; empty where it is the only one. */
  readonly title: string;
  readonly spec: ChartSpec;
  /** The chart's numbers; columns are the keys of the first row. */
  readonly rows: readonly Readonly<Record<string, string | number | null>>[];
  /** What is told of each point on the page, in the order of the points; charts of points only. */
  readonly points?: readonly PointNote[];
}

/** What a point says when it is pointed at. */
export interface PointNote {
  readonly label: string;
  readonly predicted: string;
  /** Only where the data is at hand. */
  readonly text?: string;
  /** A data URI. */
  readonly image?: string;
}

export interface Figure {
  readonly id: string;
  readonly title: string;
  /** One sentence or two: what the figure shows, and how to read it. */
  readonly caption: string;
  /** Sentences that must stand beside its numbers. */
  readonly notes?: readonly string[];
  readonly panels: readonly Panel[];
}

/**
 * A Vega-Lite specification without what all charts share. Vega-Lite checks it when it compiles it (`renderSvg` makes
 * its warnings errors): its own type would take the type checker longer than the rest of mien.
 */
export type ChartSpec = Readonly<Record<string, unknown>>;

/** A layer: a dashed upright line to hold points against. */
export const lineAt = (name: string, value: number): ChartSpec => ({
  data: { values: [{ [name]: value }] },
  mark: { type: 'rule', color: color('muted'), strokeDash: [3, 3] },
  encoding: { x: { field: name, type: 'quantitative' }, y: { value: 0 }, y2: { value: 'height' } },
});

/**
 * The SVG of a chart, in the light theme's colours on no background.
 * @throws Error when Vega-Lite finds anything wrong with the specification.
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
 * Without a canvas Vega takes every character to be 0.8 em wide, half as much again as they are, and leaves room for
 * it. Its own hook for measuring is not in its types.
 */
const { textMetrics } = vega as unknown as {
  textMetrics: { width: (item: { fontSize?: number }, text: unknown) => number };
};
textMetrics.width = ({ fontSize = 11 }, text) => 0.55 * fontSize * String(text ?? '').length;

/** What Vega-Lite only warns of would be a chart that shows something else than was meant. */
const strict = {
  level: () => strict,
  error: (...words: readonly unknown[]) => complain(words),
  warn: (...words: readonly unknown[]) => complain(words),
  info: () => strict,
  debug: () => strict,
} as unknown as vega.LoggerInterface;

function complain(words: readonly unknown[]): never {
  throw new Error(`Vega-Lite: ${words.map(String).join(' ')}`);
}

/** In pixels. */
export const size = (svg: string): { width: number; height: number } => {
  const [, width = '0', height = '0'] = /<svg[^>]*?width="([\d.]+)" height="([\d.]+)"/.exec(svg) ?? [];
  return { width: Number(width), height: Number(height) };
};

/** For a file of its own: with a title and a white ground. */
export function standaloneSvg(svg: string, title: string): string {
  const { width, height } = size(svg);
  const ground = `<rect width="${width}" height="${height}" fill="${color('surface')}"/>`;
  return svg.replace(/(<svg[^>]*>)/, `$1<title>${escapeXml(title)}</title>${ground}`);
}

/** For the page: colours by the theme's variables, as wide as its box, named for those who cannot see it. */
export function inlineSvg(svg: string, title: string): string {
  const themed = (Object.keys(colors) as ColorName[]).reduce(
    (text, name) => text.replaceAll(colors[name].light, `var(--${name})`),
    svg,
  );
  return (
    themed
      .replace(/<svg([^>]*?) width="[\d.]+" height="[\d.]+"/, '<svg$1')
      .replace(/ xmlns(:xlink)?="[^"]*"/g, '')
      // The chart is one image to those who cannot see it: its parts have no names of their own.
      .replace(/ (?:role="graphics-[a-z]+"|aria-roledescription="[^"]*")/g, '')
      .replace('<svg', `<svg role="img" aria-label="${escapeXml(title)}"`)
  );
}

/** Twice the size, so that print and dense screens show it sharp. */
export const toPng = (svg: string): Promise<Buffer> =>
  sharp(Buffer.from(svg), { density: 144 }).png({ compressionLevel: 9, palette: true }).toBuffer();

export const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** Six significant digits: more than any chart shows, and files stay small. */
const rounded = (value: string | number | null): string | number | null =>
  typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value;

/** A panel's numbers as CSV. */
export function panelCsv({ rows }: Pick<Panel, 'rows'>): string {
  const columns = Object.keys(rows[0] ?? {});
  return stringify([columns, ...rows.map((row) => columns.map((column) => rounded(row[column] ?? null)))]);
}
