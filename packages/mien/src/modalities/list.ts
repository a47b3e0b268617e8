// The list of modalities, to which a further one is added in one line.
import { face } from './face/face.js';
import { text } from './text/text.js';
import { voice } from './voice/voice.js';

/** What a bundle can read, in the order of the decision's sums. */
export const modalities = { text, face, voice } as const;

/** Name of a modality: `text`, `face` or `voice`. */
export type Modality = keyof typeof modalities;

export const MODALITIES = Object.keys(modalities) as readonly Modality[];
