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
import type { Transcript } from '../words/transcribe.js';
import type { ReadItem } from './read-item.js';
import { decodingOnce, saidIn } from './said.js';

export interface PreparedItem {
  /** What each modality's encoder is to encode; a modality that the item lacks is not there. */
  readonly units: { readonly [M in Modality]?: readonly unknown[] };
  readonly warnings: readonly Warning[];
  /** What was said in the recording, if its words were asked for. */
  readonly transcript?: Transcript;
  /** Why there is nothing to recognise. */
  readonly error?: ItemError;
}

/** Never throws for the content of an item: what cannot be read results in its error or a warning. */
export async function prepareItem(
  item: ReadItem,
  bundle: Pick<OpenBundle, 'manifest' | 'modalities' | 'encoder' | 'transcriber'>,
  { tools, options }: { readonly tools: ReadingTools; readonly options: ReadingOptions },
): Promise<PreparedItem> {
  const known = modalitiesOf(bundle.manifest);
  const readings: (Reading & { readonly modality: Modality })[] = [];
  const context = { tools: decodingOnce(tools), options };
  const said = item.error ? undefined : await saidIn(item, bundle, context);
  if (said) readings.push({ modality: 'text', ...said.reading });
  for (const { name, input, drawn, read } of Object.values(bundle.modalities)) {
    const modality = name as Modality;
    const value = said && modality === 'text' ? said.text : item[input as keyof ReadItem];
    if (value === undefined) continue;
    if (!known.includes(modality)) {
      const message = `this bundle reads no ${drawn.plural}`;
      const missing = warning(`${input}-missing` as WarningCode, message);
      readings.push({ modality, units: [], warnings: [missing], ...(said ? {} : lacking(bundle, modality)) });
    } else {
      const encoder = await bundle.encoder(modality);
      readings.push({ modality, ...(await read(value, { encoder, ...context })) });
    }
  }
  const warnings = readings.flatMap((one) => one.warnings);
  const errors = readings.flatMap(({ error }) => error ?? []);
  const lost = errors.filter(({ code }) => code !== 'no-voice-model');
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
    ...(said?.transcript ? { transcript: said.transcript } : {}),
    // If one modality can be read, the error of another becomes a warning.
    warnings: [...warnings, ...lost.map(({ code, message }) => warning(code as WarningCode, message))],
  };
}

/** Most bundles have no voices: an item that is nothing else is told what would read it. */
function lacking({ manifest }: Pick<OpenBundle, 'manifest'>, modality: Modality): Pick<Reading, 'error'> {
  if (modality !== 'voice') return {};
  const message = `the bundle ${manifest.name} has no model of voices; load one whose manifest has a part "voice" (docs/voice.md)`;
  return { error: { code: 'no-voice-model', message } };
}

function nothingIn({ modalities, manifest }: Pick<OpenBundle, 'modalities' | 'manifest'>): ItemError {
  const known = modalitiesOf(manifest);
  // What few bundles read is not asked for where it would not help.
  const asked = Object.values(modalities).filter(
    ({ name, lazy }) => !lazy || known.includes(name as Modality),
  );
  const inputs = asked.map(({ drawn }) => drawn.input);
  return { code: 'no-input', message: `there is neither ${inputs.join(' nor ')}` };
}
