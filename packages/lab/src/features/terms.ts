// Under which terms the data sets, and features made of them, may be used.
import { corpusTerms } from '../data/corpora/definitions.js';
import type { SetName } from './sets.js';

const TERMS: Readonly<Record<Exclude<SetName, 'corpora'>, string>> = {
  isear:
    'ISEAR (International Survey on Emotion Antecedents and Reactions; Scherer & Wallbott 1994): research use with attribution.',
  fer2013:
    'FER2013 (Goodfellow et al. 2013, "Challenges in Representation Learning"): data of a Kaggle competition, for research; its images were collected from the web.',
  rafdb:
    'RAF-DB (Li, Deng & Du 2017, Real-world Affective Faces Database): non-commercial research only, by agreement with its authors.',
};

export const termsOf = (set: Exclude<SetName, 'corpora'>): string => TERMS[set];

/** The terms of the corpora that these items (`goemotions/ge-00001`) come from. */
export const termsOfItems = (ids: readonly string[]): string =>
  corpusTerms([...new Set(ids.map((id) => id.slice(0, id.indexOf('/'))))]).join('; ');
