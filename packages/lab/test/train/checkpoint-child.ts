// Writes a small state and then one that a limit on file sizes refuses; says how the second write ended.
import { MienError, zeros } from 'mien-engine/base';
import { openCheckpoints } from '../../src/train/checkpoint.js';

const folder = process.argv[2]!;
const checkpoints = await openCheckpoints<{ epoch: number }>(folder, 'a');
const state = (numbers: number, epoch: number) => ({
  tensors: { weights: zeros('float32', [numbers]) },
  record: { epoch },
});
await checkpoints.write(1, state(100, 1), []);
try {
  await checkpoints.write(2, state(1_000_000, 2), []);
} catch (error) {
  if (!(error instanceof MienError)) throw error;
  process.stdout.write(error.message);
}
