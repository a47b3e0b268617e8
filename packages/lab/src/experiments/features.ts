// Where an experiment's features come from, in a form that can be handed to another process.
import { openFeatures } from '../features/extract.js';
import { readPack } from '../features/pack-file.js';
import type { FeatureSets } from '../features/sets.js';

/** A folder of feature stores, or a feature pack. */
export type FeatureSource = { readonly stores: string } | { readonly pack: string };

export const loadFeatures = (source: FeatureSource): Promise<FeatureSets> =>
  'pack' in source ? readPack(source.pack) : openFeatures(source.stores);
