// Colours and shapes of all charts, distinguishable with colour blindness (Okabe & Ito) and, by shape and lightness, in
// grey.
/**
 * Colours of charts. Specifications use the light value; on the page each becomes a CSS variable of this name, which the
 * dark theme overrides.
 */
export const colors = {
  ink: { light: '#1d1f24', dark: '#e8e6e1' },
  muted: { light: '#5c6068', dark: '#a9abb1' },
  rule: { light: '#dcdde1', dark: '#3a3d44' },
  surface: { light: '#fffefe', dark: '#16181c' },
  accent: { light: '#2a5f8f', dark: '#7db4e0' },
  second: { light: '#b5520b', dark: '#f0a062' },
  third: { light: '#0b7a5b', dark: '#57c3a0' },
  fourth: { light: '#8a4f7d', dark: '#d79bc9' },
  quiet: { light: '#9a9ea6', dark: '#7c8088' },
  anger: { light: '#d55e01', dark: '#f08a3c' },
  disgust: { light: '#009e74', dark: '#3cc79e' },
  fear: { light: '#b0609a', dark: '#d99ac6' },
  joy: { light: '#e69f01', dark: '#f2bd4b' },
  sadness: { light: '#0072b3', dark: '#5aa9e6' },
  neutral: { light: '#7f8086', dark: '#a3a4aa' },
  surprise: { light: '#56b4ea', dark: '#8fd0f7' },
  guilt: { light: '#6b4fa1', dark: '#a78fdb' },
  shame: { light: '#8b8b2a', dark: '#c5c561' },
} as const;

export type ColorName = keyof typeof colors;

/** The light value of a colour, for specifications. */
export const color = (name: ColorName): string => colors[name].light;

/** An axis of row labels only. */
export const labelAxis = { title: null, domain: false, ticks: false, labelColor: color('ink') } as const;

const shapes = {
  anger: 'triangle-up',
  disgust: 'square',
  fear: 'diamond',
  joy: 'circle',
  sadness: 'triangle-down',
  neutral: 'cross',
  surprise: 'triangle-right',
  guilt: 'triangle-left',
  shame: 'stroke',
} as const;

/** Colour and shape of each label; unknown labels share the quiet colour. */
export const labelScales = (
  labels: readonly string[],
): { color: { domain: string[]; range: string[] }; shape: { domain: string[]; range: string[] } } => ({
  color: {
    domain: [...labels],
    range: labels.map((label) => color(label in shapes ? (label as ColorName) : 'quiet')),
  },
  shape: {
    domain: [...labels],
    range: labels.map((label) => (label in shapes ? shapes[label as keyof typeof shapes] : 'circle')),
  },
});

export const fonts = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

/** Configuration of all charts: thin lines, small labels, no frames. */
export const chartConfig = {
  background: 'transparent',
  font: fonts,
  aria: false,
  padding: 4,
  view: { stroke: null },
  axis: {
    labelColor: color('muted'),
    titleColor: color('muted'),
    gridColor: color('rule'),
    domainColor: color('rule'),
    tickColor: color('rule'),
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: 'normal',
    titlePadding: 8,
    labelLimit: 0,
    titleLimit: 0,
    tickSize: 4,
  },
  axisY: { titleAlign: 'left', titleAngle: 0, titleAnchor: 'start', titleY: -10, titleX: 0 },
  legend: {
    labelColor: color('ink'),
    titleColor: color('muted'),
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: 'normal',
    orient: 'bottom',
    direction: 'horizontal',
    columnPadding: 14,
    labelLimit: 0,
    symbolSize: 70,
  },
  text: { color: color('ink'), fontSize: 11 },
  title: { color: color('ink'), fontSize: 12, fontWeight: 600, anchor: 'start', offset: 10 },
  header: { labelColor: color('ink'), labelFontSize: 11, titleColor: color('muted') },
};
