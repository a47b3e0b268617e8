// Detecting texts that are not English.
import { expect, test } from 'vitest';
import { readFileSync } from 'node:fs';
import { createTokenizer } from '../../src/encoders/tokenizer.js';
import { foreignLanguage } from '../../src/modalities/text/language.js';

const json = readFileSync(new URL('../../../../models/lite/tokenizer.json', import.meta.url), 'utf8');
const tokenizer = createTokenizer(JSON.parse(json), { maxTokens: 128 });
const languageOf = (text: string): Promise<string | undefined> =>
  foreignLanguage(text, tokenizer.encode(text).pieces);

test.each([
  'When my grandfather died.',
  'When money was stolen from my pocket.',
  'Misunderstood by them, and not for the first time.',
  'We won the final at last!',
  'Heard strange noises downstairs',
  'Two weeks until Christmas',
  "lol that's hilarious 😂😂",
  '@anna omg best gig ever!!! #amsterdam #berlin https://example.com/de/nachrichten',
  'Grandma baked cinnamon rolls',
  'Moldy cheese smell',
  'Sunburn hurts badly',
  'no no no no no',
  'idk man kinda sad tbh',
  'Missed the last bus again',
  'So proud of u',
  'Rain, rain and more rain',
  '𝗜 𝗮𝗺 𝘀𝗼 𝘀𝗮𝗱 𝘁𝗼𝗱𝗮𝘆',
  'ｗｈａｔ ａ ｄａｙ',
  'My friend from Düsseldorf loves café au lait and sauerkraut',
  'Dinner with José and François in São Paulo',
])('is English: %s', async (text) => {
  expect(await languageOf(text)).toBeUndefined();
});

test.each([
  ['de', 'Gestern habe ich meinen alten Freund nach vielen Jahren wieder getroffen und mich gefreut.'],
  ['de', 'Ich bin so wütend auf dich 😡😡'],
  ['es', 'Ayer vimos «Lord of the Flies» en el cine y después discutimos durante mucho tiempo.'],
  ['es', 'estoy muy triste hoy la verdad'],
  ['fr', 'Hier j’ai rencontré un vieil ami après de longues années, et j’en étais très heureux.'],
  ['it', 'Sono tanto felice per voi ragazzi'],
  ['pt', 'Estou muito feliz com a notícia'],
  ['nl', 'Gisteren heb ik mijn oude vriend na vele jaren weer ontmoet en ik was heel blij.'],
  ['sv', 'Jag är så trött på det här vädret'],
  ['pl', 'Jestem dzisiaj bardzo szczęśliwa'],
  ['ro', 'Sunt foarte supărat pe tine acum'],
  ['tr', 'Bugün çok mutluyum gerçekten'],
  ['fi', 'Olen niin vihainen sinulle juuri nyt'],
  ['hu', 'Nagyon szomorú vagyok ma este'],
  ['vi', 'Hôm nay tôi rất vui vì gặp bạn'],
  ['tl', 'Malungkot ako dahil umalis ka na'],
  ['ru', 'Я очень злюсь на тебя'],
  ['el', 'Είμαι πολύ λυπημένος σήμερα'],
  ['ar', 'أنا حزين جدا اليوم'],
  ['he', 'אני כל כך עצוב היום'],
  ['hi', 'मैं आज बहुत खुश हूँ'],
  ['th', 'วันนี้ฉันเศร้ามาก'],
  ['ko', '오늘 너무 슬퍼요'],
  ['und', '开心'],
  ['zh', '我今天非常生气'],
  ['ja', 'とても悲しいです'],
  ['und', 'ខ្ញុំសប្បាយចិត្តណាស់'],
])('is %s: %s', async (language, text) => {
  expect(await languageOf(text)).toBe(language);
});

test('texts that are too short or have no words may be English', async () => {
  for (const text of [
    '',
    '!!!',
    'Schadenfreude',
    'Ciao bella',
    'Ω',
    '¯\\_(ツ)_/¯',
    '… … … … … …',
    '😂'.repeat(40),
  ])
    expect([text, await languageOf(text)]).toEqual([text, undefined]);
});
