// The heads that fuse, by name: known here so that help does not load the floors that build them.
import type { HeadName } from '../heads/heads.js';

export const FUSED_HEADS = [
  'concatenation',
  'gated',
  'gated-no-lstm',
  'static-gate',
  'tensor',
  'low-rank',
] as const satisfies readonly HeadName[];
