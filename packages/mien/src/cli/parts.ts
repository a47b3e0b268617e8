// What mien-lab uses of this floor, as `mien/parts/cli`: internals, which may change in any version.
export {
  type Column,
  renderMarkdown,
  renderText,
  type RowGroup,
  type TextLayout,
  type TextTable,
  wrap,
} from './text-table.js';
