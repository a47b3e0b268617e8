// Label sets that contain the true label with a given coverage, and abstention to limit the share of wrong answers.
import { defined, MienError, repeated } from 'mien-engine/base';
import { type BundleManifest, fusedIn, modalitiesOf, type Modality, partOf } from '../bundle/manifest.js';
import {
  LEAST_COVERAGE,
  leastConfidence,
  leastPosterior,
  MOST_COVERAGE,
  type Certainty,
} from '../evaluate/certainty.js';
import type { Recognition, RecognizeOptions } from './types.js';

type Decided = Pick<Recognition, 'label' | 'probabilities'>;

/** Whether every model that is opened with a bundle has certainty data; models that are opened later do not count. */
export const knowsCertainty = (manifest: BundleManifest): boolean =>
  [
    ...modalitiesOf(manifest)
      .filter((one) => one !== 'voice')
      .map((one) => partOf(manifest, one)),
    manifest.fusion,
  ].every((part) => !part || part.certainty);

/** @throws MienError `usage` if coverage or risk are out of range, or the bundle lacks certainty data. */
export function checkCertainty(manifest: BundleManifest, { coverage, risk }: RecognizeOptions): void {
  if (coverage === undefined && risk === undefined) return;
  const refuse = (field: string, message: string): never => {
    throw new MienError('usage', message, { field });
  };
  if (coverage !== undefined && !(coverage >= LEAST_COVERAGE && coverage <= MOST_COVERAGE))
    refuse(
      'coverage',
      `the coverage must be between ${LEAST_COVERAGE} and ${MOST_COVERAGE}, got ${repeated(coverage)}`,
    );
  if (risk !== undefined && !(risk > 0 && risk < 1))
    refuse('risk', `the risk must be between 0 and 1, got ${repeated(risk)}`);
  if (!knowsCertainty(manifest))
    throw new MienError('usage', `the bundle ${manifest.name} has no certainty data`, {
      hint: 'It was created by an older version; recreate it with mien export or mien train.',
    });
}

/** The set and the abstention of a result, if requested. */
export function certaintyOf(
  manifest: BundleManifest,
  decided: Decided,
  present: readonly Modality[],
  { coverage, risk }: RecognizeOptions,
): Pick<Recognition, 'set' | 'abstained'> {
  const [only] = present;
  const fused =
    present.length === fusedIn(manifest).length && present.every((one) => fusedIn(manifest).includes(one));
  const { certainty } =
    (present.length === 1 ? partOf(manifest, only!) : fused ? manifest.fusion : undefined) ?? {};
  if (!certainty) return {};
  return defined({
    set: coverage === undefined ? undefined : setOf(certainty, decided, coverage),
    abstained: risk === undefined ? undefined : isUncertain(certainty, decided, risk),
  });
}

/** Labels whose posterior is high enough for the coverage. */
function setOf(certainty: Certainty, { probabilities }: Decided, coverage: number): string[] {
  const least = leastPosterior(certainty, coverage);
  return Object.entries(probabilities).flatMap(([label, probability]) => (probability >= least ? label : []));
}

function isUncertain(certainty: Certainty, { label, probabilities }: Decided, risk: number): boolean {
  const least = leastConfidence(certainty, risk);
  return least === undefined || probabilities[label]! < least;
}
