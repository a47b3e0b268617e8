// Voices as a modality: recordings of speech, each encoded at its own length.
import { createSession, float32, type Session } from 'mien-engine';
import { z } from 'zod';
import { SPEECH_RATE } from '../../audio/speech.js';
import { encodeInRuns } from '../../encoders/runs.js';
import { isAbsent } from '../absent.js';
import { partShape, type ModalityDefinition, type ModalityEncoder } from '../modality.js';
import { prepareVoice, type ReadVoice } from './read.js';

const part = z.strictObject({
  ...partShape,
  /** Samples a second that the model reads. */
  sampleRate: z.literal(SPEECH_RATE),
});

const details = { seconds: z.number().describe('Length of the recording.') };

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
  async open({ model, labels, width }, files, options) {
    const session: Session = await createSession(files[model]!, options);
    return {
      async encode(voices) {
        // Pieces of one voice are averaged by their length.
        const pieces = voices.flatMap((one, voice) => one.pieces.map((samples) => ({ voice, samples })));
        const shapes = { embedding: [width], logits: [labels.length] };
        const encoded = await encodeInRuns(pieces, {
          most: 1,
          shapes,
          run: ([piece]) => session.run({ samples: float32([1, piece!.samples.length], piece!.samples) }),
        });
        if (pieces.length === voices.length) return encoded;
        const averaged = (rows: Float32Array, size: number): Float32Array => {
          const sums = new Float32Array(voices.length * size);
          pieces.forEach(({ voice, samples }, row) => {
            const all = voices[voice]!.pieces.reduce((sum, { length }) => sum + length, 0);
            for (let i = 0; i < size; i++)
              sums[voice * size + i]! += (rows[row * size + i]! * samples.length) / all;
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
  describe: ({ seconds }) => ({ seconds }),
};
