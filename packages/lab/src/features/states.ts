// All states of items, not their means: tokens of texts, regions of faces, in one table a modality.
import { float32ToFloat16, MienError, tensor, type Tensor } from 'mien-engine/base';
import { readShards, readStoreManifest } from './store.js';

/** States of items one after the other, so that a short text takes no more room than it has tokens. */
export interface StateTable {
  /** float16 `[states, width]` */
  readonly states: Tensor<'float16'>;
  /** int64 `[items, most]`: the rows of an item's states, then −1. */
  readonly places: Tensor<'int64'>;
}

/**
 * The token states or feature maps that a store keeps, in the order of its items; a map's regions go row by row.
 * @throws MienError `store` when the store keeps none, or is incomplete or damaged.
 */
export async function readStates(dir: string): Promise<StateTable> {
  const manifest = await readStoreManifest(dir);
  const { width } = manifest.config;
  const parts: Uint16Array[] = [];
  const lengths: number[] = [];
  for await (const { ids, states, offsets } of readShards(dir, manifest)) {
    if (states === undefined)
      throw new MienError('store', 'keeps pooled embeddings only, no states', {
        file: dir,
        hint: 'Extract it anew with states.',
      });
    parts.push(float32ToFloat16(offsets ? states.data : regionsOf(states)));
    const regions = states.data.length / width / ids.length;
    ids.forEach((_, i) => lengths.push(offsets ? offsets.data[i + 1]! - offsets.data[i]! : regions));
  }
  return stateTable(parts, lengths, width);
}

/** Maps `[n, width, h, w]` as `[n·h·w, width]`. */
function regionsOf({ shape, data }: Tensor<'float32'>): Float32Array {
  const [n, width, height, across] = shape as [number, number, number, number];
  const regions = height * across;
  const out = new Float32Array(data.length);
  for (let i = 0; i < n; i++)
    for (let channel = 0; channel < width; channel++)
      for (let region = 0; region < regions; region++)
        out[(i * regions + region) * width + channel] = data[(i * width + channel) * regions + region]!;
  return out;
}

/** A table of items with so many states each, from the float16 bits of all states in their order. */
function stateTable(parts: readonly Uint16Array[], lengths: readonly number[], width: number): StateTable {
  const bits = new Uint16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bits.set(part, at);
    at += part.length;
  }
  const most = Math.max(1, ...lengths);
  const places = new BigInt64Array(lengths.length * most).fill(-1n);
  let row = 0;
  lengths.forEach((length, i) => {
    for (let k = 0; k < length; k++) places[i * most + k] = BigInt(row++);
  });
  return {
    states: tensor('float16', [bits.length / width, width], bits),
    places: tensor('int64', [lengths.length, most], places),
  };
}

/** How many states each item has. */
const lengthsOf = ({ places: { shape, data } }: StateTable): number[] => {
  const [items, most] = shape as [number, number];
  return Array.from({ length: items }, (_, i) => {
    const end = data.indexOf(-1n, i * most);
    return end < 0 ? most : Math.min(end - i * most, most);
  });
};

/** The items of several tables of one width, one table's after the other's. */
export const joinStates = (tables: readonly StateTable[]): StateTable =>
  stateTable(
    tables.map(({ states }) => states.data),
    tables.flatMap(lengthsOf),
    tables[0]!.states.shape[1]!,
  );

/** A table of one item, of one state. */
export const oneState = (state: Float32Array): StateTable =>
  stateTable([float32ToFloat16(state)], [1], state.length);
