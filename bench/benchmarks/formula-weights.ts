// A folder laid out as a published timm model, with the golden files' formula instead of trained weights: time does
// not depend on what the weights are, and agreement with a peer can still be seen.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeSafetensorsFile } from 'mien-engine/node';
import { efficientNetConfig, faceNetworkParameters } from 'mien-lab';
import { goldenWeight } from '../../test/support/golden.js';
import type { Scratch } from '../scratch.js';

/** Mean and deviation of ImageNet's channels, as timm's EfficientNets are published. */
const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** Writes config.json and model.safetensors and returns their folder. */
export async function writeFormulaWeights(
  scratch: Scratch,
  architecture: string,
  size: number,
): Promise<string> {
  const folder = scratch.path(architecture);
  await mkdir(folder);
  const config = { architecture, pretrained_cfg: { input_size: [3, size, size], ...IMAGENET } };
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  const specs = faceNetworkParameters(efficientNetConfig(architecture));
  const tensors = Object.fromEntries(specs.map(({ name, shape }) => [name, goldenWeight(name, shape)]));
  await writeSafetensorsFile(join(folder, 'model.safetensors'), tensors);
  return folder;
}
