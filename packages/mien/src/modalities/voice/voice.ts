// Voices as a modality: recordings of speech, each encoded at its own length.
import { createSession, float32, type Session } from 'mien-engine';
import { z } from 'zod';
import { SPEECH_RATE } from '../../audio/speech.js';
import { encodeInRuns } from '../../encoders/runs.js';
import { isAbsent } from '../absent.js';
import { partShape, posteriorSchema, type ModalityDefinition, type ModalityEncoder } from '../modality.js';
import { prepareVoice, type ReadVoice } from './read.js';

const part = z.strictObject({
  ...partShape,
  /** Samples a second that the model reads. */
  sampleRate: z.literal(SPEECH_RATE),
});

const seconds = z.number().min(0);

/** The posterior of one segment of a long recording. */
export const voiceSegment = posteriorSchema.extend({
  start: seconds.describe('In seconds from the beginning of the recording.'),
  end: seconds.describe('In seconds from the beginning of the recording.'),
});

const details = {
  seconds: seconds.describe('Length of the recording.'),
  segments: z
    .array(voiceSegment)
    .exactOptional()
    .describe('Of a recording longer than 30 s: the result for each segment between its pauses.'),
};

export const voice: ModalityDefinition<
  'voice',
  z.output<typeof part>,
  ReadVoice,
  ModalityEncoder<ReadVoice>,
  typeof details
> = {
  name: 'voice',
  input: 'audio',
  sent: { as: 'file', what: 'a recording', kinds: 'WAV; Ogg, FLAC and MP3 if their decoders are installed' },
  part,
  alone: 'own',
  lazy: true,
  overTime: { combine: 'forward', halfLife: 2 },
  drawn: {
    the: 'the voice',
    plural: 'voices',
    input: 'a recording',
    verb: 'expresses',
    column: 'voice',
    read: 'speech at 16 kHz',
    from: 'voices',
  },
  files: ({ model }) => [model],
  async open({ model, labels, width }, file, options) {
    const session: Session = await createSession(await file(model), options);
    return {
      async encode(voices) {
        // A piece is encoded once, though both the whole recording and its segment have it.
        const sounds = [...new Set(voices.flatMap(({ pieces }) => pieces.map(({ samples }) => samples)))];
        const shapes = { embedding: [width], logits: [labels.length] };
        const encoded = await encodeInRuns(sounds, {
          most: 1,
          shapes,
          run: ([samples]) => session.run({ samples: float32([1, samples!.length], samples!) }),
        });
        if (voices.every(({ pieces }, i) => pieces[0]!.samples === sounds[i] && pieces.length === 1))
          return encoded;
        const rowOf = new Map(sounds.map((samples, row) => [samples, row]));
        // Pieces of one voice are averaged by their length.
        const averaged = (rows: Float32Array, size: number): Float32Array => {
          const sums = new Float32Array(voices.length * size);
          voices.forEach(({ pieces }, voice) => {
            const all = pieces.reduce((sum, { samples }) => sum + samples.length, 0);
            for (const { samples } of pieces) {
              const row = rowOf.get(samples)!;
              for (let i = 0; i < size; i++)
                sums[voice * size + i]! += (rows[row * size + i]! * samples.length) / all;
            }
          });
          return sums;
        };
        return {
          embedding: float32([voices.length, width], averaged(encoded.embedding.data, width)),
          logits: float32([voices.length, labels.length], averaged(encoded.logits.data, labels.length)),
        };
      },
      dispose: () => session.dispose(),
    };
  },
  isAbsent,
  read: (value, { tools }) => prepareVoice(value, tools.listen),
  details,
  describe: ({ seconds, segment }) => segment ?? { seconds },
};
