// Under which terms the data sets, and features made of them, may be used.
import type { SetName } from './sets.js';

const TERMS: Readonly<Record<SetName, string>> = {
  isear:
    'ISEAR (International Survey on Emotion Antecedents and Reactions; Scherer & Wallbott 1994): research use with attribution.',
  fer2013:
    'FER2013 (Goodfellow et al. 2013, "Challenges in Representation Learning"): data of a Kaggle competition, for research; its images were collected from the web.',
  rafdb:
    'RAF-DB (Li, Deng & Du 2017, Real-world Affective Faces Database): non-commercial research only, by agreement with its authors.',
};

export const termsOf = (set: SetName): string => TERMS[set];
