// A bundle of one learned encoder, for programs that read only texts, faces or voices: no pairs, no fusion, no test data.
import { embeddingWidth } from '../encoders/whisper.js';
import { defined } from 'mien-engine/base';
import { SPEECH_RATE } from 'mien/parts/audio';
import { BUNDLE_FORMAT, type BundleManifest, FILES, writeBundle } from 'mien/parts/bundle';
import type { LearnedFace, LearnedText, LearnedVoice } from '../learn/learned.js';
import { decisionModel } from './decision.js';
import { learnedOf, type SingleEncoder, termsOfEncoder, trainingOf } from './facts.js';
import { table } from './markdown.js';
import { learnedFaceModel, learnedTextModel } from './models.js';
import { learnedVoiceModel } from './voice.js';

export interface SingleOptions {
  readonly encoder: SingleEncoder;
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
  const learned = learnedOf(encoder);
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
  if ('voice' in encoder) {
    const { config } = encoder.voice;
    return write(
      {
        ...common,
        voice: { ...posterior, model: FILES.voice, width: embeddingWidth(config), sampleRate: SPEECH_RATE },
      },
      // Training normalises the states of the last block that it used.
      { [FILES.voice]: learnedVoiceModel({ ...encoder.voice, block: 'published' }) },
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

/** What a voice's figures are about. */
const ACTED =
  'It was trained and measured on acted speech: people who were told which emotion to express, in fixed sentences, recorded in quiet rooms. Spontaneous speech expresses less and is recognised worse; how much worse was not measured. It hears how something is said, not what: a tired, quiet or foreign voice may count as sad or neutral. Do not judge callers or employees by it.';

function card(
  manifest: Omit<BundleManifest, 'files'>,
  learned: LearnedText | LearnedFace | LearnedVoice,
): string {
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
    ...(kind === 'voice' ? ['## What it hears', ACTED] : []),
    '## Terms',
    ...manifest.terms.map((terms) => `- ${terms}`),
    '',
  ].join('\n\n');
}
