// Divides a list of items into chunks of the size of a shard, and reads the bytes of the next chunk ahead.
import { createHash } from 'node:crypto';
import type { Embedder } from './embed.js';

export type AnyIterable<Item> = Iterable<Item> | AsyncIterable<Item>;

/** The items of one shard with their bytes. */
export interface Chunk<Item> {
  /** Index of the shard. */
  readonly index: number;
  readonly items: readonly Item[];
  readonly contents: readonly Uint8Array[];
  /** SHA-256 of each content, 32 bytes per item. */
  readonly hashes: Uint8Array;
}

export interface ChunkHooks {
  /** Whether this shard is to be loaded. */
  owns(index: number): boolean;
  /** Called for every item of the list, of any shard, in order. */
  visit(id: string): void;
}

/** Files read concurrently. */
const READS = 128;

/** `fn` of every item, in order, with at most `limit` running concurrently. */
async function mapLimited<T, U>(
  items: readonly T[],
  limit: number,
  fn: (item: T) => Promise<U>,
): Promise<U[]> {
  const results = new Array<U>(items.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const i = next++;
      results[i] = await fn(items[i]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}

/** Chunks of the owned shards, in order. While one is used, the next one is read. */
export async function* loadChunks<Item extends { readonly id: string }>(
  items: AnyIterable<Item>,
  embedder: Pick<Embedder<Item>, 'content' | 'shardSize'>,
  hooks: ChunkHooks,
): AsyncGenerator<Chunk<Item>, void, undefined> {
  const groups = owned(items, embedder.shardSize, hooks);
  const load = async (): Promise<Chunk<Item> | undefined> => {
    const group = await groups.next();
    if (group.done) return undefined;
    const contents = await mapLimited(group.value.items, READS, (item) => embedder.content(item));
    const hashes = new Uint8Array(contents.length * 32);
    contents.forEach((content, i) => hashes.set(createHash('sha256').update(content).digest(), i * 32));
    return { ...group.value, contents, hashes };
  };
  let next = load();
  for (;;) {
    const chunk = await next;
    if (chunk === undefined) return;
    next = load();
    next.catch(() => undefined); // reported when awaited, or no longer needed
    yield chunk;
  }
}

async function* owned<Item extends { readonly id: string }>(
  items: AnyIterable<Item>,
  size: number,
  { owns, visit }: ChunkHooks,
): AsyncGenerator<{ index: number; items: Item[] }, void, undefined> {
  let index = 0;
  let seen = 0;
  let group: Item[] = [];
  for await (const item of items) {
    visit(item.id);
    if (owns(index)) group.push(item);
    if (++seen < size) continue;
    if (group.length > 0) yield { index, items: group };
    index++;
    seen = 0;
    group = [];
  }
  if (group.length > 0) yield { index, items: group };
}
