// Sets of labels that hold the true one as often as asked, and answers that are not given where they are too unsure.
import { MienError, repeated } from 'mien-engine/base';
import type { BundleManifest } from '../bundle/manifest.js';
import {
  LEAST_COVERAGE,
  leastConfidence,
  leastPosterior,
  MOST_COVERAGE,
  type Certainty,
} from '../evaluate/certainty.js';
import type { Recognition, RecognizeOptions } from './types.js';

type Decided = Pick<Recognition, 'label' | 'probabilities' | 'from'>;

/** Whether every part of a bundle says how sure its answers must be. */
export const knowsCertainty = ({ text, face, fusion }: BundleManifest): boolean =>
  [text, face, fusion].every((part) => !part || part.certainty);

/** @throws MienError `usage` when what is asked for is out of range or nothing that the bundle knows. */
export function checkCertainty(manifest: BundleManifest, { coverage, risk }: RecognizeOptions): void {
  if (coverage === undefined && risk === undefined) return;
  const refuse = (field: string, message: string): never => {
    throw new MienError('usage', message, { field });
  };
  if (coverage !== undefined && !(coverage >= LEAST_COVERAGE && coverage <= MOST_COVERAGE))
    refuse(
      'coverage',
      `a coverage lies between ${LEAST_COVERAGE} and ${MOST_COVERAGE}, not ${repeated(coverage)}`,
    );
  if (risk !== undefined && !(risk > 0 && risk < 1))
    refuse('risk', `a risk lies between 0 and 1, not ${repeated(risk)}`);
  if (!knowsCertainty(manifest))
    throw new MienError('usage', `the bundle ${manifest.name} does not say how sure its answers are`, {
      hint: 'It was made before bundles did; make it anew with mien export or mien train.',
    });
}

/** What an answer says of its certainty, as far as it was asked for. */
export function certaintyOf(
  manifest: BundleManifest,
  decided: Decided,
  { coverage, risk }: RecognizeOptions,
): Pick<Recognition, 'set' | 'abstained'> {
  const { certainty } = manifest[decided.from === 'both' ? 'fusion' : decided.from] ?? {};
  if (!certainty) return {};
  return {
    ...(coverage === undefined ? {} : { set: setOf(certainty, decided, coverage) }),
    ...(risk === undefined ? {} : { abstained: isUnsure(certainty, decided, risk) }),
  };
}

/** Labels that are probable enough. */
function setOf(certainty: Certainty, { probabilities }: Decided, coverage: number): string[] {
  const least = leastPosterior(certainty, coverage);
  return Object.keys(probabilities).filter((label) => probabilities[label]! >= least);
}

function isUnsure(certainty: Certainty, { label, probabilities }: Decided, risk: number): boolean {
  const least = leastConfidence(certainty, risk);
  return least === undefined || probabilities[label]! < least;
}
