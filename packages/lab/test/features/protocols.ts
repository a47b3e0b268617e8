// A small protocol as the data floor would make it, with dropped items, subjects, groups and both kinds of images.
import { sha256 } from 'mien-engine/node';
import {
  type Assignment,
  type CorpusText,
  FACE_LABELS,
  type FaceDataset,
  type Protocol,
  type ProtocolFace,
  type ProtocolText,
  TEXT_LABELS,
} from 'mien/parts/data';
import { faceBytes, someTexts } from './fakes.js';

const splits = ['train', 'train', 'test', 'train', 'validation', 'train'] as const;

function place(i: number, reason: 'empty' | 'constant' | 'unreadable'): Assignment {
  return i % 17 === 9 ? { split: 'dropped', reason } : { split: splits[i % splits.length]! };
}

const texts = (count: number): ProtocolText[] =>
  someTexts(count).map(({ id, text }, i) => ({
    item: {
      id,
      text: `raw ${text}`,
      label: TEXT_LABELS[i % 7]!,
      file: 'isear.csv',
      row: i + 2,
      ...(i % 5 === 0 ? {} : { subject: `person ${i % 11}` }),
    },
    label: TEXT_LABELS[i % 7]!,
    text,
    group: 1000 + (i % 11),
    ...place(i, 'empty'),
  }));

const faces = (dataset: FaceDataset, count: number, offset: number): ProtocolFace[] =>
  Array.from({ length: count }, (_, i) => {
    const data = faceBytes(i + offset).subarray(0, 16);
    const label = FACE_LABELS[(i * 3) % 7]!;
    const test = i % 6 === 2;
    return {
      item: {
        id: `${dataset}/secret-name-${i}`,
        label,
        dataset,
        split: test ? 'test' : 'train',
        ...(dataset === 'fer2013' && test ? { usage: i % 4 === 0 ? 'PublicTest' : 'PrivateTest' } : {}),
        image: { kind: 'pixels', width: 4, height: 4, data },
        file: 'fer2013.csv',
      },
      label,
      group: 50 + Math.floor((i + offset) / 2),
      sha256: sha256(Buffer.concat([Buffer.from('4×4:'), data])),
      ...place(i, i === 26 ? 'unreadable' : 'constant'),
    };
  });

/** Texts of another corpus, over the faces' labels, of which a third each is for training, validation and test. */
export const someCorpora = (count: number): CorpusText[] =>
  someTexts(count).map(({ text }, i) => ({
    id: `goemotions/ge-${i}`,
    corpus: 'goemotions',
    text: `further ${text}`,
    label: FACE_LABELS[i % 7]!,
    split: (['train', 'validation', 'test'] as const)[Math.floor(i / 7) % 3]!,
  }));

/** 120 texts and 150 + 80 faces, of which some are dropped. */
export const smallProtocol = (): Protocol => ({
  settings: { split: 'clean', seed: 1, testFraction: 0.2, validationFraction: 0.1 },
  texts: texts(120),
  faces: [...faces('fer2013', 150, 0), ...faces('rafdb', 80, 149)],
  counts: { isear: { total: 120, splits: { train: { anger: 1 } }, dropped: {} } },
  skipped: [],
  warnings: [],
});
