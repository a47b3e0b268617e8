// Reads the tensors of a model from a published checkpoint, which may contain others and prefix their names.
import { formatShape, MienError, nearestName, type ParameterSpec, sameShape, type Tensor } from 'mien-engine';
import { openSafetensors } from 'mien-engine/node';

export interface CheckpointLayout {
  /** Names and shapes of the required tensors. */
  readonly specs: readonly Pick<ParameterSpec, 'name' | 'shape'>[];
  /** Possible prefixes of all names, such as `distilbert.`; tensors without the prefix are heads and are not read. */
  readonly prefixes?: readonly string[];
  /** Names, without prefix, that are not needed: heads, counters, constants. */
  readonly ignored?: RegExp;
}

const FLOATS = ['F32', 'F16', 'BF16', 'F64'];

/** Checkpoints converted from TensorFlow call the scale of a norm gamma and its shift beta. */
const modernName = (name: string): string =>
  name.replace(/LayerNorm\.gamma$/, 'LayerNorm.weight').replace(/LayerNorm\.beta$/, 'LayerNorm.bias');

/**
 * Reads a checkpoint's tensors as float32, under the names in `specs`.
 * @throws MienError `weights` with the tensor that is missing, of another shape or type, or of another model; `format`
 *   and `file` if the file cannot be read
 */
export async function readWeights(
  path: string,
  { specs, prefixes = [], ignored }: CheckpointLayout,
): Promise<Record<string, Tensor<'float32'>>> {
  const file = await openSafetensors(path);
  try {
    const [first] = specs;
    const names = [...file.entries.keys()];
    const prefix =
      prefixes.find((candidate) => names.some((name) => modernName(name) === `${candidate}${first?.name}`)) ??
      '';
    const stored = new Map<string, string>();
    for (const name of names)
      if (name.startsWith(prefix)) stored.set(modernName(name.slice(prefix.length)), name);

    const wanted = new Set(specs.map(({ name }) => name));
    const missing = specs.filter(({ name }) => !stored.has(name));
    const [absent] = missing;
    if (absent) {
      const nearest = nearestName(absent.name, [...stored.keys()]);
      throw new MienError(
        'weights',
        `is missing, as are ${missing.length - 1} more of the ${specs.length} tensors that config.json asks for`,
        {
          file: path,
          field: absent.name,
          hint: nearest
            ? `The most similar name there is ${nearest}.`
            : 'config.json and the weights do not belong together.',
        },
      );
    }
    const [foreign] = [...stored].filter(([name]) => !wanted.has(name) && !ignored?.test(name));
    if (foreign)
      throw new MienError('weights', 'is not a tensor of the model that config.json describes', {
        file: path,
        field: foreign[1],
        hint: 'config.json and the weights do not belong together.',
      });

    const tensors: Record<string, Tensor<'float32'>> = {};
    for (const { name, shape } of specs) {
      const field = stored.get(name)!;
      const entry = file.entries.get(field)!;
      if (!sameShape(entry.shape, shape))
        throw new MienError('weights', `is ${formatShape(entry.shape)}; expected ${formatShape(shape)}`, {
          file: path,
          field,
          hint: 'config.json and the weights do not belong together.',
        });
      if (!FLOATS.includes(entry.stored))
        throw new MienError('weights', `contains ${entry.stored}; expected floating-point numbers`, {
          file: path,
          field,
        });
      tensors[name] = (await file.read(field, { floats: 'float32' })) as Tensor<'float32'>;
    }
    return tensors;
  } finally {
    await file.close();
  }
}
