// Emoji and signs in a vocabulary: unused places are taken, meanings begin as those of their names, texts are read so.
import { expect, test } from 'vitest';
import { float32 } from 'mien-engine/base';
import { createTokenizer } from 'mien/parts/encoders';
import { chooseSigns, withMeanings, withSigns } from '../../src/learn/emoji.js';
import { bertFiles, bertTinyConfig } from '../../../../test/support/pretrained.js';

const files = bertFiles(bertTinyConfig, [
  'so',
  'soo',
  'cool',
  'crying',
  'loud',
  '##ly',
  'red',
  'heart',
  'lunch',
  'who',
  'ate',
  '!',
  ':',
  ')',
]);
const published = JSON.parse(Buffer.from(files['tokenizer.json']!).toString('utf8')) as {
  model: { vocab: Record<string, number> };
};
const LIMIT = { maxTokens: 32 };

test('marks of writing come first, then frequent emoji, then those that show a face', () => {
  const signs = chooseSigns(['🦀🦀 and 🎉', '🦀 🎉 © 1'], 10);
  expect(signs.slice(0, 7)).toEqual(['⇧', '⟷', '👤', '🔗', '🦀', '🎉', '©']);
  expect(signs[7]).toBe('😀');
  expect(signs.length).toBe(10);
  expect(chooseSigns([], 0)).toEqual([]);
});

test('signs take unused places; spellings of a sign are read as the sign; capitals and lengthening leave a mark', () => {
  const { json, added } = withSigns(published, ['⇧', '⟷', '😭', '❤', '🙂', '👤']);
  const free = Object.entries(published.model.vocab).filter(([token]) => token.startsWith('[unused'));
  expect([...added.values()]).toEqual(free.slice(0, 6).map(([, id]) => id));
  expect(published.model.vocab['😭']).toBeUndefined();
  const { encode, margins } = createTokenizer(json, LIMIT);
  const names = new Map(Object.entries(json.model.vocab).map(([name, id]) => [id, name]));
  const read = (text: string): string => {
    const { ids } = encode(text);
    return [...ids.subarray(margins.before, ids.length - margins.after)].map((id) => names.get(id)).join(' ');
  };
  expect(read('sooo cooool😭😭')).toBe('so ⟷ cool ⟷ 😭 😭');
  expect(read('WHO ate LUNCH!')).toBe('who ⇧ ate lunch ⇧ !');
  expect(read('lunch :-) ❤️ <3 ;_;')).toBe('lunch 🙂 ❤ ❤ 😭');
  expect(read('s o o o  c o o l! W H O')).toBe('so ⟷ cool ! who ⇧');
  expect(read('[NAME] ate @user')).toBe('👤 ate 👤');
  // A tokenizer that has the signs, of an encoder that is trained further, stays as it is.
  const again = withSigns(json, ['⇧', '⟷', '😭', '❤', '🙂', '👤']);
  expect(again).toEqual({ json, added: new Map() });
  // A vocabulary without the marks is read as ever.
  expect(createTokenizer(published, LIMIT).encode('WHO').ids.length).toBe(3);
});

test('a sign is initialised with the mean embedding of the words of its name', () => {
  const { added } = withSigns(published, ['❤', '😭']);
  const { vocab } = published.model;
  const width = 2;
  const rows = Object.keys(vocab).length;
  const table = float32(
    [rows, width],
    Float32Array.from({ length: rows * width }, (_, i) => i),
  );
  const tokenizer = createTokenizer(published, LIMIT);
  const name = 'embeddings.word_embeddings.weight';
  const { data } = withMeanings({ [name]: table }, added, tokenizer)[name]!;
  const row = (id: number, from: ArrayLike<unknown>): unknown[] => [from[id * width], from[id * width + 1]];
  const [red, heart] = [row(vocab['red']!, table.data), row(vocab['heart']!, table.data)] as [
    number[],
    number[],
  ];
  expect(row(added.get('❤')!, data)).toEqual(red.map((value, i) => (value + heart[i]!) / 2));
  expect(row(vocab['lunch']!, data)).toEqual(row(vocab['lunch']!, table.data));
});
