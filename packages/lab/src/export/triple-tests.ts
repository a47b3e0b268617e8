// Label-matched triples: each clip of a test speaker with a test text and a test face of its label. Each modality alone, each
// two and all three by the product of posteriors, and by the bundle's answer, judged among the labels that texts have.
import { pairFaces } from '../data/pairing.js';
import {
  type DecisionOutput,
  jointName,
  modalitiesOf,
  type Modality,
  type OpenBundle,
  partOf,
  sharedLabels,
  subsetsOf,
} from 'mien/parts/bundle';
import {
  hitsAgainst,
  meanOf,
  restrictPosteriors,
  type Scores,
  testResult,
  type TestResult,
} from 'mien/parts/evaluate';
import type { SpeechItem } from '../data/speech.js';
import { decidedBy, indices, pickRows, type Tested } from './pair-tests.js';
import { overSpeakers, speakerOf } from './voice-tests.js';

const PAIRINGS = 3;
const SEED = 0;
const PLAYERS: readonly Modality[] = ['text', 'face', 'voice'];

interface Labelled {
  readonly label: string;
}

/** Of triples; the interval of an accuracy is over the speakers, each clip paired several times. */
export interface TripleTest extends TestResult {
  /** The modalities that decide. */
  readonly by: readonly Modality[];
  /** `alone`, the product of posteriors, or what the recogniser answers. */
  readonly as: 'alone' | 'product' | 'answer';
}

/** @returns no tests if there is a label of clips without a text or a face, or no clip. */
export async function tripleTests(
  bundle: OpenBundle,
  name: string,
  texts: Tested<Labelled>,
  faces: Tested<Labelled>,
  voices: Tested<SpeechItem>,
): Promise<TripleTest[]> {
  const { manifest } = bundle;
  const has = (items: readonly Labelled[], label: string): boolean =>
    items.some((one) => one.label === label);
  const among = sharedLabels(manifest, PLAYERS).filter((label) =>
    [texts.items, faces.items, voices.items].every((items) => has(items, label)),
  );
  const clips = voices.items.flatMap(({ label }, i) => (among.includes(label) ? [i] : []));
  if (among.length < 2) return [];
  const items = clips.map((i) => voices.items[i]!);
  const pairings = Array.from({ length: PAIRINGS }, (_, i) => i);
  /** For each clip the position of an item of its label, pairing by pairing. */
  const drawn = (from: readonly Labelled[], stream: string): number[] =>
    pairings.flatMap((pairing) => [...pairFaces(items, from, SEED, pairing, { stream })]);
  const sides = {
    text: pickRows(texts, drawn(texts.items, 'test triples/text')),
    face: pickRows(faces, drawn(faces.items, 'test triples/face')),
    voice: pickRows(
      voices,
      pairings.flatMap(() => clips),
    ),
  };
  const truth = Uint8Array.from(pairings.flatMap(() => [...indices(items, among)]));
  const speakers = items.map(speakerOf);
  const all = modalitiesOf(manifest);
  const posteriorsBy = decidedBy(bundle, sides);
  const test = (by: readonly Modality[], as: TripleTest['as'], posteriors: Scores): TripleTest => {
    const hits = hitsAgainst(posteriors, truth);
    const ofClip = items.map((_, i) => meanOf(pairings.map((pairing) => hits[pairing * items.length + i]!)));
    return {
      ...testResult(`${name}, ${by.join(' + ')}, ${as}`, among, posteriors, truth, items.length),
      accuracy: overSpeakers(ofClip, speakers),
      by,
      as,
    };
  };
  const tests: TripleTest[] = [];
  for (const some of subsetsOf(PLAYERS, 1).sort((a, b) => a.length - b.length)) {
    const [only] = some;
    const own = some.length > 1 ? sharedLabels(manifest, some) : partOf(manifest, only!).labels;
    const outputs: readonly [TripleTest['as'], DecisionOutput][] =
      some.length === 1
        ? [['alone', `${only!} posterior`]]
        : [
            ['product', jointName(all, some, 'product')],
            ['answer', jointName(all, some, 'answer')],
          ];
    for (const [as, output] of outputs)
      tests.push(test(some, as, restrictPosteriors(await posteriorsBy(output, own), own, among)));
  }
  return tests;
}
