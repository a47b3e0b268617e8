// Layer normalisation with its parameters.
import { staticShape, type Value } from '../graph/builder.js';
import { layerNorm } from '../graph/ops/normalization.js';
import { constantInit, type Parameters } from './parameters.js';

/** Over the last axis, parameters `<name>.weight` and `<name>.bias` `[width]` (PyTorch's `nn.LayerNorm`). */
export function normalized(p: Parameters, name: string, x: Value, epsilon = 1e-5): Value {
  const [width] = staticShape(x.shape.slice(-1)) as [number];
  const scale = p.get(`${name}.weight`, [width], constantInit(1));
  return layerNorm(x, scale, p.get(`${name}.bias`, [width], constantInit(0)), epsilon);
}
