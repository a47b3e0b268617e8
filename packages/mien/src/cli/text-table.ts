// Lays tables out for people: aligned columns without lines on a terminal, or Markdown.

export interface Column {
  readonly header: string;
  readonly align?: 'left' | 'right';
}

/** Rows under a heading that says what they have in common. */
export interface RowGroup {
  readonly heading?: string;
  readonly rows: readonly (readonly string[])[];
}

export interface TextTable {
  /** Names the table on a page, as `table-<id>`. */
  readonly id?: string;
  readonly title?: string;
  readonly columns: readonly Column[];
  readonly groups: readonly RowGroup[];
  /** Sentences below the table. */
  readonly notes?: readonly string[];
}

export interface TextLayout {
  /** Columns of the screen. */
  readonly width?: number;
  /** Marks titles and headings; by default they stay plain. */
  readonly strong?: (text: string) => string;
}

const GAP = 2;
const unmarked = (text: string): string => text;

/** Pieces of a word that fit `width`, cut after its last slash or hyphen where there is one. */
function cutWord(word: string, width: number): string[] {
  if (word.length <= width) return [word];
  const head = word.slice(0, width);
  const cut = Math.max(head.lastIndexOf('/'), head.lastIndexOf('-')) + 1 || width;
  return [word.slice(0, cut), ...cutWord(word.slice(cut), width)];
}

/** Words in lines of at most `width` characters, later lines indented by `hanging`. */
export function wrap(text: string, width: number, hanging = ''): string {
  const room = Math.max(1, width - hanging.length);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).flatMap((long) => cutWord(long, room))) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line === '' || longer.length <= width) line = longer;
    else {
      lines.push(line);
      line = hanging + word;
    }
  }
  return [...lines, line].join('\n');
}

/** Widths that hold every cell; what exceeds the screen is taken from the widest column, whose cells then wrap. */
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

/** A cell's lines; under a heading the first column is indented, its later lines once more. */
function layCell(cell: string, width: number, indent: number): string {
  const margin = ' '.repeat(indent);
  return wrap(cell, width - indent, margin)
    .split('\n')
    .map((line) => margin + line)
    .join('\n');
}

/** The table as text that reads well in `width` columns (default 100). Ends without a line break. */
export function renderText(table: TextTable, { width = 100, strong = unmarked }: TextLayout = {}): string {
  const grouped = table.groups.some(({ heading }) => heading !== undefined);
  const indent = grouped ? GAP : 0;
  const widths = columnWidths(table, width, indent);
  /** Lines of one row; marks take no room on the screen, so that they are put on when a cell has its width. */
  const layRow = (cells: readonly string[], mark = unmarked): string[] => {
    const columns = cells.map((cell) => cell.split('\n'));
    const height = Math.max(...columns.map((lines) => lines.length));
    return Array.from({ length: height }, (_, line) =>
      columns
        .map((lines, k) => {
          const text = lines[line] ?? '';
          const room = ' '.repeat(Math.max(0, widths[k]! - text.length));
          const marked = text === '' ? '' : mark(text);
          return table.columns[k]!.align === 'right' ? room + marked : marked + room;
        })
        .join(' '.repeat(GAP))
        .trimEnd(),
    );
  };
  const lines = [
    ...layRow(
      table.columns.map(({ header }) => header),
      strong,
    ),
    ...layRow(widths.map((w) => '─'.repeat(w))),
    ...table.groups.flatMap(({ heading, rows }) => [
      ...(heading === undefined ? [] : [strong(heading)]),
      ...rows.flatMap((row) => layRow(row.map((cell, k) => layCell(cell, widths[k]!, k === 0 ? indent : 0)))),
    ]),
  ];
  const body = lines.join('\n');
  const title = table.title === undefined ? [] : [strong(wrap(table.title, width)), ''];
  const notes = (table.notes ?? []).map((note) => wrap(note, width));
  return [...title, body, ...(notes.length > 0 ? ['', ...notes] : [])].join('\n');
}

const escapeCell = (cell: string): string => cell.replaceAll('|', '\\|').replaceAll('\n', ' ').trim();

/** The same table as Markdown; a group's heading becomes a bold row. */
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
