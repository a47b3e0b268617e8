// Encoding ISEAR with MiniLM: token ids to embeddings, and texts to embeddings; and its matrix products alone.
import { join } from 'node:path';
import { createTextEncoder, loadIsear, loadTextEncoder, profiles, readPretrainedText } from 'mien-lab';
import { smallestCosine, timed, type Comparison } from '../compare.js';
import { folderOf, type BenchOptions } from '../options.js';
import { contender, notInstalled, startPeer } from '../peer.js';
import { createScratch } from '../scratch.js';
import { FLOP, productsAlone, ROWS } from './products.js';

const QUICK_TEXTS = 500;
const MODEL = profiles.frozen.text;

export async function textComparisons({ quick, threads }: BenchOptions): Promise<Comparison[]> {
  const data = folderOf('MIEN_DATA', 'isear/');
  const weights = folderOf('MIEN_WEIGHTS', 'all-MiniLM-L6-v2/');
  const { items } = await loadIsear(join(data, 'isear'));
  const texts = items.slice(0, quick ? QUICK_TEXTS : items.length).map(({ text }) => text);
  const encoder = await loadTextEncoder(MODEL, { weights, threads });
  const tokenize = () => texts.map((text) => encoder.tokenize(text).ids);
  const ids = tokenize();
  const { data: embeddings } = await encoder.encode(ids);

  const folder = join(weights, 'all-MiniLM-L6-v2');
  const published = await readPretrainedText({ ...MODEL, folder });
  const tensors = await published.weights();
  const small = await createTextEncoder(published.config, tensors, MODEL.pooling, {
    threads,
    precision: 'integer',
  });
  const agreement = smallestCosine(embeddings, (await small.encode(ids)).data, encoder.width);

  const scratch = await createScratch();
  const peer = await startPeer('text.py', {
    threads,
    folder,
    maxTokens: MODEL.maxTokens,
    texts: await scratch.writeJson('texts.json', texts),
    ids: await scratch.writeJson(
      'ids.json',
      ids.map((row) => [...row]),
    ),
  });
  const notes = [peer?.about ?? notInstalled('PyTorch')];
  if (peer) {
    const file = scratch.path('embeddings');
    await peer.ask('write', { file });
    const cosine = smallestCosine(embeddings, await scratch.readFloats('embeddings'), encoder.width);
    notes.push(`smallest cosine between our embedding of a text and the peer's: ${cosine.toFixed(7)}`);
  }
  const close = async () => {
    await encoder.dispose();
    await small.dispose();
    await scratch.remove();
  };
  const work = { unit: 'texts', count: texts.length };
  const open = { close: () => Promise.resolve() };
  const runs = Math.max(1, Math.round(ids.reduce((sum, { length }) => sum + length, 0) / ROWS));
  return [
    {
      title: 'text: ISEAR with MiniLM, token ids to embeddings',
      work,
      notes,
      ours: { name: 'mien', round: () => timed(() => encoder.encode(ids)), ...open },
      peers: peer ? [{ ...contender(peer, 'PyTorch', 'encode'), ...open }] : [],
    },
    {
      title:
        'text: ISEAR with MiniLM in integers (seven-bit weights) against PyTorch in float32, token ids to embeddings',
      work,
      notes: [`smallest cosine between an embedding in integers and in float32: ${agreement.toFixed(4)}`],
      ours: { name: 'mien, integers', round: () => timed(() => small.encode(ids)), ...open },
      peers: peer ? [{ ...contender(peer, 'PyTorch', 'encode'), ...open }] : [],
    },
    {
      title: `text: the matrix products of MiniLM's linear layers alone, ${runs} times ${ROWS} tokens`,
      work: { unit: 'GFLOP', count: (runs * FLOP) / 1e9 },
      notes: [],
      ours: await productsAlone(runs, threads),
      peers: peer
        ? [{ name: 'PyTorch', round: () => peer.ask('products', { rows: ROWS, runs }), ...open }]
        : [],
    },
    {
      title: 'text: ISEAR with MiniLM, texts to embeddings',
      work,
      notes: [],
      ours: { name: 'mien', round: () => timed(() => encoder.encode(tokenize())), close },
      peers: peer ? [contender(peer, 'PyTorch', 'tokenize and encode')] : [],
    },
  ];
}
