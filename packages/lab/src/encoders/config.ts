// What the checks of published transformers' config.json share.
import { defined, MienError } from 'mien-engine/base';
import { z } from 'zod';

export const count = z.int().positive();

/** @throws MienError `weights` if the heads cannot share the width evenly */
export function checkHeads({ width, heads }: { width: number; heads: number }, file?: string): void {
  if (width % heads !== 0)
    throw new MienError(
      'weights',
      `width ${width} cannot be divided among ${heads} heads`,
      defined({ file }),
    );
}
