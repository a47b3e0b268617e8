// Where an experiment's features come from, in a form that can be handed to another process.
import { MienError } from 'mien-engine/base';
import { openFeatures } from '../features/extract.js';
import { readPack, readSomeSets } from '../features/pack-file.js';
import { type FeatureSets, withVoices } from '../features/sets.js';

/** A folder of feature stores, or a feature pack, and a pack of voices, if these are not in the former. */
export type FeatureSource = ({ readonly stores: string } | { readonly pack: string }) & {
  readonly voices?: string;
};

export async function loadFeatures(source: FeatureSource): Promise<FeatureSets> {
  const sets = 'pack' in source ? await readPack(source.pack) : await openFeatures(source.stores);
  if (source.voices === undefined) return sets;
  const some = await readSomeSets(source.voices);
  if (some.voices === undefined)
    throw new MienError('data', 'holds no voices', {
      file: source.voices,
      hint: 'Name a pack that `mien pack` made of recordings (docs/features.md).',
    });
  return withVoices(sets, some);
}
