// How the test recordings of experiments are made worse: in the two ways that recordings outside of studios suffer most
// from, background noise and the telephone, at the degrees at which bundles are measured too.
import { randomStream } from 'mien-engine/base';
import { levelled } from 'mien/parts/audio';
import type { Corrupter } from '../features/corrupted.js';
import { corrupt, degreesOf } from './corruption.js';
import { voice } from './voice.js';

const KINDS = ['background noise', 'telephone'] as const;
type Kind = (typeof KINDS)[number];
const isMeasured = (as: string): as is Kind => KINDS.includes(as as Kind);

const SEED = 0;

/** Of sounds at 16 kHz; what comes out is levelled, as all speech. */
export const testVoices: Corrupter<Float32Array> = {
  degrees: degreesOf(voice).filter(({ as }) => isMeasured(as)),
  // A clip has the same noise at every level.
  change: (sound, { as, level }, id) =>
    levelled(corrupt(voice, sound, as as Kind, level, randomStream(SEED, `${as} of ${id}`), [])),
};
