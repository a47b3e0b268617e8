// How each modality of mien's list is made worse, to which a further one is added in one line.
import type { Modality } from 'mien/parts/bundle';
import type { ModalityCorruptions } from './corruption.js';
import { face } from './face.js';
import { text } from './text.js';
import { voice } from './voice.js';

export const corruptions = { text, face, voice } as const satisfies Readonly<
  Record<Modality, ModalityCorruptions>
>;

/** A way to make an item of a modality worse. */
export type CorruptionKind<M extends Modality = Modality> = {
  [One in M]: keyof (typeof corruptions)[One]['kinds'];
}[M];
