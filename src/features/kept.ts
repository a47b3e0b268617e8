// Embeddings of items that are no data set of their own, kept in a store so that they are computed once.
import { join } from 'node:path';
import type { Tensor } from '../base/tensor.js';
import type { Embedder } from './embed.js';
import { configOf, fillStore, type FillOptions } from './fill.js';
import { configKey } from './format.js';
import { openStore } from './store.js';

/**
 * Embeddings `[n, width]` of all items, in their order; the store is a folder in `dir`, named by set and encoder.
 * @throws MienError as `fillStore` and `openStore` do.
 */
export async function keptEmbeddings<Item extends { readonly id: string }>(
  options: Pick<FillOptions<Item>, 'dir' | 'set' | 'progress' | 'signal'> & {
    readonly embedder: Embedder<Item>;
    readonly items: readonly Item[];
  },
): Promise<Tensor<'float32'>> {
  const { set, embedder } = options;
  const dir = join(options.dir, `${set.replace(' ', '-')}-${configKey(configOf(set, embedder))}`);
  await fillStore({ ...options, dir });
  return (await openStore(dir)).embeddings;
}
