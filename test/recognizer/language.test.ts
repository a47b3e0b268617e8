// Which texts are warned of as foreign.
import { expect, test } from 'vitest';
import { foreignLanguage } from '../../src/recognizer/language.js';

test('short English sentences are English, also those whose trigrams are like another language’s', () => {
  // The detector by itself says German, Swedish, Spanish and Ilocano.
  for (const text of [
    'When my grandfather died.',
    'When money was stolen from my pocket.',
    'Misunderstood by them, and not for the first time.',
    'When my cousin passed away.',
    'We won the final at last!',
  ])
    expect([text, foreignLanguage(text)]).toEqual([text, undefined]);
});

test('other languages are named, also with English words in them', () => {
  const foreign: Readonly<Record<string, string>> = {
    'Gestern habe ich meinen alten Freund nach vielen Jahren wieder getroffen und mich gefreut.': 'deu',
    'Ayer vimos «Lord of the Flies» en el cine y después discutimos durante mucho tiempo.': 'spa',
    'Ayer me encontré con un viejo amigo después de muchos años y me alegré mucho.': 'spa',
    'Hier j’ai rencontré un vieil ami après de longues années, et j’en étais très heureux.': 'fra',
    'Gisteren heb ik mijn oude vriend na vele jaren weer ontmoet en ik was heel blij.': 'nld',
  };
  for (const [text, language] of Object.entries(foreign))
    expect([text, foreignLanguage(text)]).toEqual([text, language]);
});

test('what is too short to tell, or has no words, may be English', () => {
  for (const text of ['', '!!!', 'Schadenfreude', '… … … … … … … … … … … … …'])
    expect(foreignLanguage(text)).toBeUndefined();
});
