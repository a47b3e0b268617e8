// The rows of the paper's tables, in the order in which they stand.
import { TEXT_LABELS } from 'mien/parts';
import { fusedRow, productRow } from './paired-rows.js';
import { FACE_SOURCES, fusedHeads, SEVEN_SOURCES } from './plan.js';
import type { Context, TableRow } from './row-parts.js';
import { naturalFaceRow, pairedFaceRow, sevenFaceRow, textRow } from './unimodal-rows.js';

/** The rows of Tables II, III and IV, in the order in which they stand. */
export function tableRows(context: Context): TableRow[] {
  const { faces } = context.config.pairing;
  return [
    ...tableTwo(context),
    ...tableThree(context),
    fusedRow(context, 'IV', 'gated', faces),
    productRow(context, 'IV', faces),
  ];
}

/** The rows over the faces' seven labels, on pairs with the texts of other corpora; the paper has none. */
export function sevenRows(context: Context): TableRow[] {
  return [
    textRow(context, 'seven', context.config.labels),
    ...SEVEN_SOURCES.flatMap((faces) => [
      pairedFaceRow(context, 'seven', faces),
      fusedRow(context, 'seven', 'gated', faces),
      productRow(context, 'seven', faces),
    ]),
  ];
}

function* tableTwo(context: Context): Generator<TableRow> {
  const { labels, pairing } = context.config;
  yield textRow(context, 'II', labels);
  yield textRow(context, 'II', TEXT_LABELS);
  for (const faces of FACE_SOURCES) {
    yield naturalFaceRow(context, faces);
    yield pairedFaceRow(context, 'II', faces);
  }
  for (const faces of FACE_SOURCES) yield sevenFaceRow(context, faces);
  if (context.data.sets.faces.fer2013.usage.includes('PrivateTest'))
    yield sevenFaceRow(context, 'fer2013', 'PrivateTest');
  for (const faces of [pairing.faces, ...FACE_SOURCES.filter((source) => source !== pairing.faces)]) {
    yield fusedRow(context, 'II', 'gated', faces);
    yield productRow(context, 'II', faces);
  }
}

function* tableThree(context: Context): Generator<TableRow> {
  const { config } = context;
  const main = config.pairing.faces;
  yield textRow(context, 'III', config.labels);
  yield pairedFaceRow(context, 'III', main);
  for (const faces of [main, ...FACE_SOURCES.filter((source) => source !== main)]) {
    for (const head of fusedHeads(config, faces)) yield fusedRow(context, 'III', head, faces);
    yield productRow(context, 'III', faces);
  }
}
