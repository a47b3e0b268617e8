// A bundle of one learned encoder, for programs that read only texts or only faces: no pairs, no fusion, no test data.
import { defined } from 'mien-engine/base';
import { BUNDLE_FORMAT, type BundleManifest, FILES, writeBundle } from 'mien/parts';
import { corpusTerms } from '../data/corpora/definitions.js';
import { termsOf } from '../features/sets.js';
import type { LearnedFace, LearnedText } from '../learn/learned.js';
import { trainedCorpora } from '../learn/settings.js';
import { decisionModel } from './decision.js';
import { MOBILEFACENET, trainingOf } from './facts.js';
import { table } from './markdown.js';
import { learnedFaceModel, learnedTextModel } from './models.js';

export interface SingleOptions {
  readonly encoder: { readonly text: LearnedText } | { readonly face: LearnedFace };
  readonly name: string;
  /** The bundle's folder; an existing bundle is replaced. */
  readonly out: string;
}

/**
 * Writes a bundle that reads one modality. Temperature and prior are those that training fitted on validation items;
 * an encoder without them answers with temperature 1 under an even prior, and the card says so.
 * @throws MienError `file` if the folder cannot be written.
 */
export async function exportSingle({ encoder, name, out }: SingleOptions): Promise<BundleManifest> {
  const learned = 'text' in encoder ? encoder.text : encoder.face;
  const { labels, record } = learned;
  const posterior = {
    labels: [...labels],
    temperature: record.calibration?.temperature ?? 1,
    prior: record.calibration?.prior ?? labels.map(() => 1 / labels.length),
  };
  const common: Pick<BundleManifest, 'format' | 'name' | 'decision' | 'terms'> = {
    format: BUNDLE_FORMAT,
    name,
    decision: FILES.decision,
    terms: termsOfEncoder(encoder),
  };
  const write = (
    manifest: Omit<BundleManifest, 'files'>,
    files: Readonly<Record<string, string | Uint8Array>>,
  ) =>
    writeBundle(out, manifest, {
      ...files,
      [FILES.decision]: decisionModel(manifest),
      [FILES.card]: card(manifest, learned),
    });
  if ('text' in encoder) {
    const { config, maxTokens, tokenizer } = encoder.text;
    const { fine } = record;
    return write(
      {
        ...common,
        text: {
          ...posterior,
          ...defined({ fine }),
          model: FILES.text,
          tokenizer: FILES.tokenizer,
          maxTokens,
          width: config.width,
        },
      },
      {
        [FILES.text]: learnedTextModel({ ...encoder.text, fine }),
        [FILES.tokenizer]: tokenizer,
      },
    );
  }
  const { network, input } = encoder.face;
  return write(
    {
      ...common,
      face: {
        ...posterior,
        ...defined({ mirror: input.mirror }),
        model: FILES.face,
        size: input.size,
        width: network.width,
      },
    },
    {
      [FILES.face]: learnedFaceModel(encoder.face),
    },
  );
}

function termsOfEncoder(encoder: SingleOptions['encoder']): string[] {
  const { record } = 'text' in encoder ? encoder.text : encoder.face;
  const corpora = 'text' in encoder ? trainedCorpora(record.settings) : [];
  // A restored encoder's settings do not say what it was trained on; its terms do.
  const known = record.terms !== undefined;
  return [
    ...new Set([
      ...(record.terms ?? []),
      ...(corpora.includes('isear') ? [termsOf('isear')] : []),
      ...corpusTerms(corpora),
      ...('face' in encoder && !known ? [termsOf('fer2013'), termsOf('rafdb')] : []),
      ...('face' in encoder && encoder.face.network.family === 'mobilefacenet' ? [MOBILEFACENET] : []),
    ]),
  ];
}

function card(manifest: Omit<BundleManifest, 'files'>, learned: LearnedText | LearnedFace): string {
  const { record, labels } = learned;
  const { kind, calibration, epochs, bestEpoch } = record;
  const best = epochs.find(({ epoch }) => epoch === bestEpoch);
  return [
    `# ${manifest.name}`,
    `Reads ${kind}s only. Labels: ${labels.join(', ')}. Made by \`mien export\` from one encoder: ${trainingOf(learned)}.`,
    ...(best
      ? [
          '## On validation',
          'By float32 weights, before they were made smaller; the epoch was chosen by these figures. No test items were used.',
          table(
            ['measure', 'value'],
            Object.entries(best.details).map(([measure, value]) => [measure, value.toFixed(4)]),
          ),
        ]
      : ['It has not been evaluated.']),
    ...(calibration?.temperature === undefined
      ? ['Its probabilities are not calibrated: training fitted no temperature.']
      : []),
    '## Terms',
    ...manifest.terms.map((terms) => `- ${terms}`),
    '',
  ].join('\n\n');
}
