// How soon an answer changes when the model does not know some of a text's words, on ISEAR's validation texts: from
// which share on to warn of what was not read. Not a timing.
//     MIEN_DATA=DIR node --import tsx bench/unread.ts [BUNDLE]
import { join } from 'node:path';
import { randomStream } from 'mien-engine/base';
import { openBundle, readBundle } from 'mien/parts/bundle';
import type { Piece } from 'mien/parts/encoders';
import { argmax, scores } from 'mien/parts/evaluate';
import { assignTexts, DEFAULT_SETTINGS, loadIsear } from 'mien-lab';
import { folderOf } from './options.js';

const SHARES = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1];

const { manifest, files } = await readBundle(process.argv[2] ?? join(import.meta.dirname, '../models/lite'));
const bundle = await openBundle(manifest, files, { threads: 1, spinning: false });
const tokenizer = bundle.tokenizer!;
const { before, after } = tokenizer.margins;
const unknown = tokenizer.idOf('[UNK]')!;

const { items } = await loadIsear(join(folderOf('MIEN_DATA', 'isear'), 'isear'));
const texts = assignTexts(items, DEFAULT_SETTINGS).filter(({ split }) => split === 'validation');

/** The text's own label, of the seven. */
async function answer(ids: Int32Array): Promise<string> {
  const { logits } = await bundle.tokens([ids]);
  const { labels } = manifest.text!;
  return labels[argmax(scores(labels.length, logits.data))[0]!]!;
}

/** Words to lose, drawn until no more than `share` of the characters are left. */
function lost(pieces: readonly Piece[], share: number, draw: ReturnType<typeof randomStream>): Set<Piece> {
  const words = pieces.filter(({ readable }) => readable > 0);
  const all = words.reduce((sum, { readable }) => sum + readable, 0);
  const gone = new Set<Piece>();
  let left = all;
  for (const i of draw.permutation(words.length)) {
    // The nearest to the share, whole words.
    if (left - words[i]!.readable / 2 < share * all) continue;
    left -= words[i]!.readable;
    gone.add(words[i]!);
  }
  return gone;
}

const whole = await Promise.all(texts.map(({ text }) => answer(tokenizer.encode(text).ids)));
const accuracy = (found: readonly string[]): string =>
  (found.filter((label, i) => label === texts[i]!.label).length / texts.length).toFixed(3);
console.log(`${texts.length} texts; accuracy ${accuracy(whole)} as they are`);
for (const share of SHARES) {
  const draw = randomStream(0, 'unread', Math.round(100 * share));
  const found: string[] = [];
  for (const { text } of texts) {
    const { ids, pieces } = tokenizer.encode(text);
    const gone = lost(pieces, share, draw);
    const left = pieces.flatMap((piece) =>
      gone.has(piece) ? [unknown] : [...ids.subarray(piece.first, piece.last)],
    );
    found.push(
      await answer(
        Int32Array.from([...ids.subarray(0, before), ...left, ...ids.subarray(ids.length - after)]),
      ),
    );
  }
  const same = found.filter((label, i) => label === whole[i]).length / texts.length;
  console.log(`${share} read: the same answer ${same.toFixed(3)}, accuracy ${accuracy(found)}`);
}
await bundle.dispose();
