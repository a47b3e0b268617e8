// Properties of cleaning, splits and pairing: nothing crosses, labels match, counts add up, seeds decide.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomStream } from 'mien-engine/base';
import { cleanTexts, normalizeText, textKey, textProblem } from 'mien/parts/data';
import { pairFaces, pairModalities } from '../../src/data/pairing.js';
import { chooseGroups, disjointSets } from '../../src/data/splits.js';
import { findTextRepeats } from '../../src/data/duplicates.js';

const LABELS = ['anger', 'fear', 'joy'];
const items = fc.array(fc.record({ label: fc.constantFrom(...LABELS), group: fc.nat(40) }), {
  maxLength: 200,
});
const seeds = fc.nat(1000);

describe('cleaning', () => {
  it.each([
    ['[ No response.]', 'no response'],
    ['NO RESPONSE', 'no response'],
    ['[ No reponse.]', 'no response'],
    ["Doesn't apply.", 'no response'],
    ['[ Do not remember any incident.]', 'no response'],
    ['[ I have never felt this emotion.]', 'no response'],
    ['Nothing.', 'no response'],
    ['[ Same as in anger.]', 'refers to another answer'],
    ['The same event described under "shame".', 'refers to another answer'],
    ['  .. ', 'empty'],
    ['[ A successful lesson.]', undefined],
    ['[ In an aeroplane.]', undefined],
    ['When I read a lot and did not remember anything.', undefined],
    ['I did not respond to a letter.', undefined],
    ['Same as above - friends who torture animals.', undefined],
    ['Not doing well in the examn.', undefined],
    ['When my grandmother died.', undefined],
  ])('%s: %s', (text, reason) => {
    expect(textProblem(text)).toBe(reason);
  });

  it('joins lines and removes enclosing brackets', () => {
    expect(normalizeText('[ When I\nfell  (badly). ]')).toBe('When I fell (badly).');
    expect(normalizeText('He [my brother] fell.')).toBe('He [my brother] fell.');
    expect(normalizeText('cafe\u0301')).toBe('café');
    expect(textKey('[ My dog -- "Rex" -- died!]')).toBe('my dog rex died');
  });

  it('drops every occurrence of a text with several labels, and nothing else', () => {
    const texts = [
      { text: 'I failed.', label: 'shame' as const },
      { text: 'i failed', label: 'sadness' as const },
      { text: 'We won.', label: 'joy' as const },
      { text: 'We won!', label: 'joy' as const },
      { text: 'No response.', label: 'fear' as const },
    ];
    const reasons = ['several labels', 'several labels', undefined, undefined, 'no response'];
    expect(cleanTexts(texts)).toEqual(reasons);
  });

  it('finds the same duplicates and near-duplicates as a comparison of all pairs', () => {
    const words = fc.constantFrom('my', 'dog', 'died', 'last', 'year', 'in', 'spring', 'at', 'home', 'alone');
    const texts = fc.array(
      fc.array(words, { minLength: 1, maxLength: 9 }).map((list) => list.join(' ')),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(texts, (list) => {
        const repeats = findTextRepeats(list);
        const sets = list.map((text) => new Set(text.split(' ')));
        for (const a of list.keys())
          for (const b of list.keys()) {
            if (a === b) continue;
            const common = [...sets[a]!].filter((word) => sets[b]!.has(word)).length;
            const near =
              Math.min(sets[a]!.size, sets[b]!.size) >= 5 &&
              common / (sets[a]!.size + sets[b]!.size - common) >= 0.8;
            expect(repeats[a]!.includes(b)).toBe(list[a] === list[b] || near);
          }
      }),
    );
  });
});

describe('chooseGroups', () => {
  it('never splits a group and depends on items and seed only', () => {
    fc.assert(
      fc.property(items, fc.double({ min: 0, max: 0.99, noNaN: true }), seeds, (list, fraction, seed) => {
        const chosen = chooseGroups(list, fraction, randomStream(seed, 'test'));
        const sides = new Map<number, boolean>();
        list.forEach(({ group }, i) => {
          expect(sides.get(group) ?? chosen[i]).toBe(chosen[i]);
          sides.set(group, chosen[i]!);
        });
        expect(chooseGroups(list, fraction, randomStream(seed, 'test'))).toEqual(chosen);
      }),
    );
  });

  it('gives every label its exact share if every group has one item', () => {
    fc.assert(
      fc.property(items, seeds, (list, seed) => {
        const alone = list.map(({ label }, group) => ({ label, group }));
        const chosen = chooseGroups(alone, 0.2, randomStream(seed, 'test'));
        for (const label of LABELS) {
          const total = alone.filter((item) => item.label === label).length;
          const taken = alone.filter((item, i) => item.label === label && chosen[i]).length;
          expect(taken).toBe(Math.round(0.2 * total));
        }
      }),
    );
  });

  it('nearly reaches every share if subjects have one text per label', () => {
    const list = Array.from({ length: 300 }, (_, i) => ({ label: LABELS[i % 3]!, group: Math.floor(i / 3) }));
    const first = chooseGroups(list, 0.2, randomStream(1, 'test'));
    expect(first.filter(Boolean)).toHaveLength(60);
    expect(chooseGroups(list, 0.2, randomStream(2, 'test'))).not.toEqual(first);
  });

  it('rejects an invalid fraction', () => {
    expect(() => chooseGroups([], 1, randomStream(0, 'test'))).toThrow(/at least 0 and below 1/);
    expect(() => chooseGroups([], Number.NaN, randomStream(0, 'test'))).toThrow(/fraction/);
  });
});

describe('disjointSets', () => {
  it('joins sets transitively and represents a set by its smallest member', () => {
    const sets = disjointSets(6);
    sets.union(5, 3);
    sets.union(3, 4);
    sets.union(1, 0);
    expect([0, 1, 2, 3, 4, 5].map((item) => sets.find(item))).toEqual([0, 0, 2, 3, 3, 3]);
  });
});

describe('pairFaces', () => {
  const labelled = (labels: readonly string[]) => labels.map((label) => ({ label }));
  const texts = fc.array(fc.constantFrom(...LABELS), { minLength: 1, maxLength: 60 }).map(labelled);
  const faces = fc
    .array(fc.constantFrom(...LABELS, 'neutral'), { maxLength: 60 })
    .map((labels) => labelled([...LABELS, ...labels]));

  it('gives every text a face of its label, the same for the same seed and index', () => {
    fc.assert(
      fc.property(texts, faces, seeds, fc.nat(20), (t, f, seed, index) => {
        const pairs = pairFaces(t, f, seed, index);
        expect(Array.from(pairs, (face) => f[face]!.label)).toEqual(t.map(({ label }) => label));
        expect(pairFaces(t, f, seed, index)).toEqual(pairs);
      }),
    );
  });

  it('gives every text a face of another of the texts’ labels with mismatch', () => {
    fc.assert(
      fc.property(texts, faces, seeds, (t, f, seed) => {
        const known = new Set(t.map(({ label }) => label));
        fc.pre(known.size > 1);
        const pairs = pairFaces(t, f, seed, 0, { mismatch: true });
        pairs.forEach((face, i) => {
          expect(f[face]!.label).not.toBe(t[i]!.label);
          expect(known).toContain(f[face]!.label);
        });
      }),
    );
  });

  it('draws anew for every index, seed and stream, uniformly from the faces of a label', () => {
    const t = labelled(new Array<string>(8000).fill('joy'));
    const f = labelled(['joy', 'fear', 'joy', 'joy', 'joy']);
    const pairs = pairFaces(t, f, 1, 0);
    for (const face of [0, 2, 3, 4]) {
      const count = pairs.filter((other) => other === face).length;
      expect(Math.abs(count - 2000)).toBeLessThan(200); // five standard deviations
    }
    expect(pairFaces(t, f, 1, 1)).not.toEqual(pairs);
    expect(pairFaces(t, f, 2, 0)).not.toEqual(pairs);
    expect(pairFaces(t, f, 1, 0, { stream: 'test' })).not.toEqual(pairs);
  });

  it('reports a label without faces, and an unknown option', () => {
    expect(() => pairFaces(labelled(['guilt']), labelled(['joy']), 0, 0)).toThrow(/no face of label "guilt"/);
    expect(() => pairFaces(labelled(['joy']), labelled(['joy']), 0, 0, { mismatch: true })).toThrow(
      /two labels/,
    );
    const mistyped = { mismach: true } as object;
    expect(() => pairFaces([], [], 0, 0, mistyped)).toThrow(/unknown option "mismach"[^]*"mismatch"/);
  });
});

describe('pairModalities', () => {
  const labelled = (labels: readonly string[]) => labels.map((label) => ({ label }));
  const texts = labelled(['joy', 'fear', 'joy', 'anger', 'joy', 'fear']);
  const face = labelled(['anger', 'joy', 'fear', 'joy', 'joy', 'fear', 'anger']);
  const voice = labelled(['fear', 'fear', 'joy', 'joy', 'anger', 'joy', 'neutral']);

  it('gives these triples', () => {
    const { face: faces, voice: voices } = pairModalities(texts, { face, voice }, 3, 1, 'test pairing');
    expect([[...faces], [...voices]]).toEqual([
      [3, 5, 1, 0, 4, 5],
      [3, 1, 2, 4, 3, 0],
    ]);
  });

  it('gives every text a face and a voice of its label, and faces as if there were no voices', () => {
    const items = fc.array(fc.constantFrom(...LABELS, 'neutral'), { maxLength: 60 });
    const all = items.map((labels) => labelled([...LABELS, ...labels]));
    const some = fc.array(fc.constantFrom(...LABELS), { minLength: 1, maxLength: 60 }).map(labelled);
    fc.assert(
      fc.property(some, all, all, seeds, fc.nat(20), (t, faces, voices, seed, index) => {
        const found = pairModalities(t, { face: faces, voice: voices }, seed, index);
        expect(Array.from(found.face, (i) => faces[i]!.label)).toEqual(t.map(({ label }) => label));
        expect(Array.from(found.voice, (i) => voices[i]!.label)).toEqual(t.map(({ label }) => label));
        expect(found.face).toEqual(pairFaces(t, faces, seed, index));
        expect(pairModalities(t, { voice: voices }, seed, index).voice).toEqual(found.voice);
      }),
    );
  });

  it('draws faces and voices of a label independently, and anew for every index', () => {
    const many = labelled(new Array<string>(9000).fill('joy'));
    const three = labelled(['joy', 'joy', 'joy']);
    const found = pairModalities(many, { face: three, voice: three }, 1, 0);
    const counts = new Array<number>(9).fill(0);
    found.face.forEach((i, text) => counts[3 * i + found.voice[text]!]!++);
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150); // five standard deviations
    const next = pairModalities(many, { face: three, voice: three }, 1, 1);
    expect(next.voice).not.toEqual(found.voice);
  });

  it('reports a label without voices', () => {
    const alone = { face: labelled(['joy']), voice: labelled(['fear']) };
    expect(() => pairModalities(labelled(['joy']), alone, 0, 0)).toThrow(
      /no voice of label "joy"[^]*voices have fear/,
    );
  });
});
