// The linear layer.
import { scoped, staticShape, type Value } from '../graph/builder.js';
import { linearProduct } from '../graph/ops/linalg.js';
import { uniformInit, type Parameters } from './parameters.js';

/**
 * x · Wᵀ + b: `[..., in]` → `[..., width]`, parameters `<name>.weight` `[width, in]` and `<name>.bias` `[width]`,
 * uniform in ±1/√in at first (PyTorch's `nn.Linear`).
 */
export function linear(p: Parameters, name: string, x: Value, width: number): Value {
  return scoped(p.graph, name, () => {
    const own = p.linear?.(name, x);
    if (own) return own;
    const inner = staticShape(x.shape.slice(-1))[0]!;
    const init = uniformInit(1 / Math.sqrt(inner));
    return linearProduct(
      x,
      p.get(`${name}.weight`, [width, inner], init),
      p.get(`${name}.bias`, [width], init),
    );
  });
}
