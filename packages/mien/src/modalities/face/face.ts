// Faces as a modality: photographs in which they are found, or crops of them.
import { createSession, defined } from 'mien-engine';
import { z } from 'zod';
import { dimensionsOf, encodeInRuns, IMAGES_PER_RUN, pixelsOf } from '../../encoders/runs.js';
import { VIEWS } from '../../encoders/views.js';
import { isAbsent } from '../absent.js';
import { partShape, type ModalityDefinition, type ModalityEncoder } from '../modality.js';
import { type Crop, prepareImage } from './read.js';

const part = z.strictObject({
  ...partShape,
  /** Side in pixels to which the model resizes. */
  size: z.int().min(32),
  /** Whether the model has an input `views` and can read a face with its mirror image; absent: no. */
  mirror: z.boolean().optional(),
});

const point = z.object({ x: z.number(), y: z.number() });
const details = {
  place: z
    .object({
      box: point.extend({ width: z.number(), height: z.number() }),
      keyPoints: z.record(z.string(), point),
      score: z.number().min(0).max(1).describe('The confidence of the detector.'),
    })
    .nullable()
    .describe('Position of the face in pixels of the upright image; null for cropped faces.'),
};

type FaceUnit = Pick<Crop, 'image'> & Partial<Crop>;

export const face: ModalityDefinition<
  'face',
  z.output<typeof part>,
  FaceUnit,
  ModalityEncoder<FaceUnit>,
  typeof details
> = {
  name: 'face',
  input: 'image',
  sent: { as: 'file', what: 'an image file', kinds: 'JPEG, PNG, WebP, GIF, TIFF …' },
  part,
  alone: 'own',
  overTime: { combine: 'average', halfLife: 0.7 },
  drawn: {
    the: 'the face',
    plural: 'faces',
    input: 'an image',
    verb: 'shows',
    column: 'face',
    read: 'cropped faces',
    from: 'faces',
  },
  files: ({ model }) => [model],
  async open({ model, labels, width, mirror: mirrors }, file, options) {
    const session = await createSession(await file(model), options);
    const published = session.outputs.includes('published') ? [labels.length] : undefined;
    return {
      encode: (crops, { mirror = true } = {}) => {
        const views = mirrors ? { views: mirror ? VIEWS.both : VIEWS.own } : {};
        return encodeInRuns(
          crops.map(({ image }) => image),
          {
            kindOf: dimensionsOf,
            most: IMAGES_PER_RUN,
            shapes: { embedding: [width], logits: [labels.length], ...defined({ published }) },
            run: (some) => session.run({ pixels: pixelsOf(some), ...views }),
          },
        );
      },
      dispose: () => session.dispose(),
    };
  },
  isAbsent,
  read: (value, { tools, options }) => prepareImage(value, { ...tools, options }),
  details,
  describe: ({ place = null }) => ({ place }),
};
