// The numbers first: accuracy bars and Tables II and III, ours beside the paper's.
import { accuracyPanel } from '../figures/accuracy.js';
import { itemInterval } from '../statistics/unimodal.js';
import { modelTitles, pairingNote, tablesOf } from '../tables.js';
import type { RowGroup, TextTable } from 'mien/parts';
import {
  formatInterval,
  panelId,
  panelTitle,
  share,
  type Block,
  type ReportContext,
  type Section,
} from './section.js';

export async function resultsSection(context: ReportContext): Promise<Section> {
  const panels = context.systems.flatMap((system) => {
    const { ids } = system;
    const gated = ids.pairs[0]!.heads.find(({ head }) => head === 'gated')!.id;
    // The paper's figures stand beside the rows of Table II.
    const fused = gated.replace(/^III/, 'II');
    const rows = [ids.text, ids.face, fused, ids.pairs[0]!.product].flatMap((id) => system.row(id) ?? []);
    return rows.length === 0
      ? []
      : [accuracyPanel(panelId('accuracy', system), panelTitle('', system, context), rows)];
  });
  const tables = context.folders.flatMap(({ name, results }, f) =>
    tablesOf({ rows: results.rows, costs: [] })
      .filter(({ title }) => /Table (II|III)\.|^Seven labels/.test(title ?? ''))
      .map((table) =>
        context.folders.length > 1
          ? { ...table, id: `${table.id}-${f + 1}`, title: `${table.title ?? ''} (${name})` }
          : table,
      ),
  );
  return {
    id: 'results',
    title: 'Results beside the paper’s',
    blocks: [
      { text: summary(context) },
      {
        figure: {
          id: 'accuracy',
          title: 'Accuracy per modality',
          caption:
            'Accuracy of the unimodal heads, of gated fusion and of the product of posteriors, beside what the paper ' +
            'reports. Bars are means over model seeds (and test pairings); lines are 95% intervals over them.',
          notes: [pairingNote],
          panels,
        },
      },
      ...tables.map((table): Block => ({ table })),
      { table: await unimodalTable(context) },
    ],
  };
}

/** One modality on the sets as they are; of pairs, the section on fusion has intervals of this kind. */
async function unimodalTable(context: ReportContext): Promise<TextTable> {
  const groups: RowGroup[] = [];
  for (const system of context.systems) {
    const rows: string[][] = [];
    for (const id of [system.ids.text, system.ids.face, ...system.ids.seven]) {
      const row = system.row(id);
      const predictions = await system.predictions(id);
      if (!row || !predictions) continue;
      const subjects = (await system.analysis(id))?.subjects ?? null;
      rows.push([
        `${modelTitles[row.model]}, ${row.dataset}, ${row.labels.length} labels`,
        row.n.toLocaleString('en-US'),
        subjects === null ? '–' : String(new Set(Array.from(subjects)).size),
        formatInterval(itemInterval(predictions, subjects)),
      ]);
    }
    groups.push({ heading: panelTitle('', system, context) || system.title, rows });
  }
  return {
    id: 'unimodal',
    title: 'One modality, with test items in the interval',
    columns: [
      { header: 'Test set' },
      { header: 'Items', align: 'right' },
      { header: 'Subjects', align: 'right' },
      { header: 'Accuracy (95% interval)', align: 'right' },
    ],
    groups,
    notes: [
      'Bootstrap over model seeds and test items together, texts of one subject as one unit where subjects are known: what another training and another test set would change. The tables above cover trainings and pairings only.',
    ],
  };
}

/** The main rows in words. */
function summary({ systems }: ReportContext): string {
  return systems
    .flatMap((system) => {
      const { ids } = system;
      const gated = ids.pairs[0]!.heads.find(({ head }) => head === 'gated')!.id;
      const [text, face, fused] = [ids.text, ids.face, gated].map((id) => system.row(id));
      if (!text || !face || !fused) return [];
      return [
        `On ${system.title}, text alone reaches an accuracy of ${share(text.accuracy.mean)} on ` +
          `${text.n.toLocaleString('en-US')} texts of ${text.dataset}, the image alone ${share(face.accuracy.mean)} on ` +
          `${face.n.toLocaleString('en-US')} faces of ${face.dataset}, and gated fusion ${share(fused.accuracy.mean)} on ` +
          `${fused.n.toLocaleString('en-US')} label-matched pairs.`,
      ];
    })
    .concat('The paper reports .61, .69 and .82. ' + pairingNote)
    .join(' ');
}
