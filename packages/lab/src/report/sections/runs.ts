// Several results folders compared: their different settings, and their results.
import type { AccuracyPoint } from '../figures/comparison.js';
import { accuraciesPanel } from '../figures/comparison.js';
import { modelTitles, pairingNote, share } from '../tables.js';
import type { TextTable } from 'mien/parts/cli';
import { type ReportContext, type Section } from './section.js';

/** Dotted paths of settings and their values as text. */
function flatten(value: unknown, prefix = ''): Map<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return new Map([[prefix, typeof value === 'string' ? value : JSON.stringify(value)]]);
  return new Map(
    Object.entries(value).flatMap(([key, inner]) => [
      ...flatten(inner, prefix === '' ? key : `${prefix}.${key}`),
    ]),
  );
}

/** The settings that differ between them; missing settings are undefined. */
export function differences(
  configurations: readonly unknown[],
): { readonly path: string; readonly values: readonly (string | undefined)[] }[] {
  const flat = configurations.map((configuration) => flatten(configuration));
  const paths = [...new Set(flat.flatMap((settings) => [...settings.keys()]))];
  return paths
    .map((path) => ({ path, values: flat.map((settings) => settings.get(path)) }))
    .filter(({ values }) => new Set(values).size > 1);
}

export function runsSection(context: ReportContext): Section {
  const { folders, systems } = context;
  const differing = differences(
    folders.map(({ results: { configuration, environment, rows } }) => ({
      features: [...new Set(rows.map(({ features }) => features))].join(', '),
      ...configuration,
      environment: { mien: environment.mien, node: environment.node, cpu: environment.cpu },
    })),
  );
  const wanted = systems.map((system) => {
    const [pairs] = system.ids.pairs;
    return [
      system.ids.text,
      system.ids.face,
      pairs!.face,
      ...pairs!.heads.map(({ id }) => id),
      pairs!.product,
    ].flatMap((id) => system.row(id) ?? []);
  });
  const values = wanted.flatMap((rows, i) =>
    rows.map(({ model, dataset, variant, accuracy }): AccuracyPoint => ({
      series: systems[i]!.title,
      row: `${modelTitles[model]}, ${variant === null ? dataset : `${dataset} (pairs)`}`,
      accuracy,
    })),
  );
  const settings: TextTable = {
    id: 'settings',
    title: 'Settings that differ',
    columns: [{ header: 'Setting' }, ...folders.map(({ name }) => ({ header: name }))],
    groups: [
      { rows: differing.map(({ path, values: found }) => [path, ...found.map((value) => value ?? '–')]) },
    ],
    notes: differing.length === 0 ? ['All settings are the same.'] : [],
  };
  const names = [...new Set(values.map(({ row }) => row))];
  const table: TextTable = {
    id: 'runs',
    title: 'Accuracy, system by system',
    columns: [{ header: 'Row' }, ...systems.map(({ title }) => ({ header: title, align: 'right' as const }))],
    groups: [
      {
        rows: names.map((name) => [
          name,
          ...systems.map(({ title }) => {
            const found = values.find(({ series, row }) => series === title && row === name);
            return found ? share(found.accuracy.mean) : '–';
          }),
        ]),
      },
    ],
    notes: [pairingNote],
  };
  return {
    id: 'runs',
    title: 'Runs compared',
    blocks: [
      ...(folders.length > 1 ? [{ table: settings }] : []),
      {
        figure: {
          id: 'runs',
          title: 'The same rows, system by system',
          caption: 'Accuracy with 95% intervals over seeds (and pairings), as in the tables.',
          notes: [pairingNote],
          panels: [accuraciesPanel('runs', '', 'run', values)],
        },
      },
      { table },
    ],
  };
}
