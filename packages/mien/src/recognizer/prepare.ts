// Prepares an item for the models: each modality reads its side; warnings and errors of all are put together.
import { type Modality, modalitiesOf } from '../bundle/manifest.js';
import type { OpenBundle } from '../bundle/open.js';
import {
  type ItemError,
  type Reading,
  type ReadingOptions,
  type ReadingTools,
  warning,
  type Warning,
  type WarningCode,
} from '../modalities/modality.js';
import type { ReadItem } from './read-item.js';

export interface Prepared {
  /** What each modality's encoder is to encode; a modality that the item lacks is not there. */
  readonly units: { readonly [M in Modality]?: readonly unknown[] };
  readonly warnings: readonly Warning[];
  /** Why there is nothing to recognise. */
  readonly error?: ItemError;
}

/** Never throws for the content of an item: what cannot be read results in its error or a warning. */
export async function prepareItem(
  item: ReadItem,
  bundle: Pick<OpenBundle, 'manifest' | 'modalities' | 'encoder'>,
  context: { readonly tools: ReadingTools; readonly options: ReadingOptions },
): Promise<Prepared> {
  const known = modalitiesOf(bundle.manifest);
  const readings: (Reading & { readonly modality: Modality })[] = [];
  for (const { name, input, drawn, read } of Object.values(bundle.modalities)) {
    const value = item[input as keyof ReadItem];
    const modality = name as Modality;
    if (value === undefined) continue;
    if (!known.includes(modality)) {
      const missing = warning(`${input}-missing` as WarningCode, `this bundle reads no ${drawn.plural}`);
      readings.push({ modality, units: [], warnings: [missing] });
    } else {
      const encoder = await bundle.encoder(modality);
      readings.push({ modality, ...(await read(value, { encoder, ...context })) });
    }
  }
  const warnings = readings.flatMap((one) => one.warnings);
  const errors = readings.flatMap(({ error }) => error ?? []);
  const nothing = readings.every(({ units }) => units.length === 0);
  const error =
    item.error ??
    readings.find(({ broken }) => broken)?.error ??
    (nothing ? (errors.at(-1) ?? nothingIn(bundle)) : undefined);
  if (error) return { units: {}, warnings, error };
  return {
    units: Object.fromEntries(
      readings.flatMap(({ modality, units }) => (units.length > 0 ? [[modality, units]] : [])),
    ),
    // If one modality can be read, the error of another becomes a warning.
    warnings: [...warnings, ...errors.map(({ code, message }) => warning(code as WarningCode, message))],
  };
}

function nothingIn({ modalities }: Pick<OpenBundle, 'modalities'>): ItemError {
  const inputs = Object.values(modalities).map(({ drawn }) => drawn.input);
  return { code: 'no-input', message: `there is neither ${inputs.join(' nor ')}` };
}
