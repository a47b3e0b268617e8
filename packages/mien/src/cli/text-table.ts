// Formats tables: as aligned columns for a terminal, or as Markdown.

export interface Column {
  readonly header: string;
  readonly align?: 'left' | 'right';
}

/** Rows under a common heading. */
export interface RowGroup {
  readonly heading?: string;
  readonly rows: readonly (readonly string[])[];
}

export interface TextTable {
  /** Identifies the table on a page as `table-<id>`. */
  readonly id?: string;
  readonly title?: string;
  readonly columns: readonly Column[];
  readonly groups: readonly RowGroup[];
  /** Sentences below the table. */
  readonly notes?: readonly string[];
}

export interface TextLayout {
  /** In characters (default 100). */
  readonly width?: number;
  /** Emphasises titles and headings; by default they are plain. */
  readonly strong?: (text: string) => string;
}

const GAP = 2;
const plain = (text: string): string => text;

/** Splits a word into pieces of at most `width` characters, after a slash or hyphen if possible. */
function splitWord(word: string, width: number): string[] {
  if (word.length <= width) return [word];
  const head = word.slice(0, width);
  const cut = Math.max(head.lastIndexOf('/'), head.lastIndexOf('-')) + 1 || width;
  return [word.slice(0, cut), ...splitWord(word.slice(cut), width)];
}

/** Wraps a text into lines of at most `width` characters, the later ones indented by `hanging`. */
export function wrap(text: string, width: number, hanging = ''): string {
  const room = Math.max(1, width - hanging.length);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).flatMap((long) => splitWord(long, room))) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line === '' || longer.length <= width) line = longer;
    else {
      lines.push(line);
      line = hanging + word;
    }
  }
  return [...lines, line].join('\n');
}

/** Column widths that fit every cell; if they exceed `width`, the widest column is narrowed and its cells wrap. */
function columnWidths(table: TextTable, width: number, indent: number): number[] {
  const rows = table.groups.flatMap(({ rows }) => rows);
  const widths = table.columns.map(({ header }, k) =>
    Math.max(header.length, ...rows.map((row) => (row[k] ?? '').length + (k === 0 ? indent : 0))),
  );
  const excess = widths.reduce((total, w) => total + w + GAP, 0) - GAP - width;
  const widest = widths.indexOf(Math.max(...widths));
  if (excess > 0) widths[widest] = Math.max(12, widths[widest]! - excess);
  return widths;
}

/** Wraps a cell; in the first column under a heading it is indented, its later lines twice. */
function wrapCell(cell: string, width: number, indent: number): string {
  const margin = ' '.repeat(indent);
  return wrap(cell, width - indent, margin)
    .split('\n')
    .map((line) => margin + line)
    .join('\n');
}

/** The table as text, without a final line break. */
export function renderText(table: TextTable, { width = 100, strong = plain }: TextLayout = {}): string {
  const hasHeadings = table.groups.some(({ heading }) => heading !== undefined);
  const indent = hasHeadings ? GAP : 0;
  const widths = columnWidths(table, width, indent);
  /** The lines of a row. Emphasis takes no width, so it is applied before padding. */
  const linesOf = (cells: readonly string[], emphasis = plain): string[] => {
    const columns = cells.map((cell) => cell.split('\n'));
    const height = Math.max(...columns.map((lines) => lines.length));
    return Array.from({ length: height }, (_, line) =>
      columns
        .map((lines, k) => {
          const text = lines[line] ?? '';
          const room = ' '.repeat(Math.max(0, widths[k]! - text.length));
          const styled = text === '' ? '' : emphasis(text);
          return table.columns[k]!.align === 'right' ? room + styled : styled + room;
        })
        .join(' '.repeat(GAP))
        .trimEnd(),
    );
  };
  const lines = [
    ...linesOf(
      table.columns.map(({ header }) => header),
      strong,
    ),
    ...linesOf(widths.map((w) => '─'.repeat(w))),
    ...table.groups.flatMap(({ heading, rows }) => [
      ...(heading === undefined ? [] : [strong(heading)]),
      ...rows.flatMap((row) =>
        linesOf(row.map((cell, k) => wrapCell(cell, widths[k]!, k === 0 ? indent : 0))),
      ),
    ]),
  ];
  const body = lines.join('\n');
  const title = table.title === undefined ? [] : [strong(wrap(table.title, width)), ''];
  const notes = (table.notes ?? []).map((note) => wrap(note, width));
  return [...title, body, ...(notes.length > 0 ? ['', ...notes] : [])].join('\n');
}

const escapeCell = (cell: string): string => cell.replaceAll('|', '\\|').replaceAll('\n', ' ').trim();

/** The table as Markdown; headings of groups become bold rows. */
export function renderMarkdown({ title, columns, groups, notes = [] }: TextTable): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escapeCell).join(' | ')} |`;
  const rows = groups.flatMap(({ heading, rows }) => [
    ...(heading === undefined ? [] : [line(columns.map((_, k) => (k === 0 ? `**${heading}**` : '')))]),
    ...rows.map(line),
  ]);
  return [
    ...(title === undefined ? [] : [`### ${title}`, '']),
    line(columns.map(({ header }) => header)),
    line(columns.map(({ align }) => (align === 'right' ? '--:' : '---'))),
    ...rows,
    ...notes.flatMap((note) => ['', note]),
  ].join('\n');
}
