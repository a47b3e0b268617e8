// Embeddings of items that are no data set of their own, kept in a store so that they are computed once.
import { join } from 'node:path';
import type { Tensor } from 'mien-engine/base';
import type { Embedder } from './embed.js';
import { configOf, fillStore, type FillOptions } from './fill.js';
import { configKey } from './format.js';
import { openStore, type Store } from './store.js';

export type KeptOptions<Item extends { readonly id: string }> = Pick<
  FillOptions<Item>,
  'dir' | 'set' | 'progress' | 'signal'
> & {
  readonly embedder: Embedder<Item>;
  readonly items: readonly Item[];
};

/**
 * The filled store of all items, in their order: a folder in `dir`, named by set and encoder.
 * @throws MienError as `fillStore` and `openStore` do.
 */
export async function keptStore<Item extends { readonly id: string }>(
  options: KeptOptions<Item>,
): Promise<Store> {
  const { set, embedder } = options;
  const dir = join(options.dir, `${set.replace(' ', '-')}-${configKey(configOf(set, embedder))}`);
  await fillStore({ ...options, dir });
  return openStore(dir);
}

/** Embeddings `[n, width]` of all items, in their order. @throws MienError as `keptStore` does. */
export const keptEmbeddings = async <Item extends { readonly id: string }>(
  options: KeptOptions<Item>,
): Promise<Tensor<'float32'>> => (await keptStore(options)).embeddings;
