// One look of the detector: what lies under a frame goes through BlazeFace, faces come back in pixels of the image.
import { createSession, float32, messageOf } from 'mien-engine';
import type { DecodedImage } from '../encoders/encoder.js';
import { decodeFaces, foreignModel, INPUT_SIZE } from './blazeface.js';
import { keyPointNames, type DetectedFace, type KeyPoints } from './face.js';
import { cutOut, fromFrame, type Frame } from './frame.js';
import { blendOverlapping } from './suppression.js';

/** Boxes of which so much is common are of one face. MediaPipe's value for this model. */
export const SAME_FACE = 0.3;

/** Middle grey, which the model sees as 0, where a frame reaches beyond the image: finds more than black or the border. */
const SURROUNDINGS = 127.5;

export interface Looker {
  /** Faces of at least this score under a frame, in pixels of the image, best first. */
  look(image: DecodedImage, frame: Frame, minScore: number): Promise<DetectedFace[]>;
  dispose(): Promise<void>;
}

/** @throws MienError `format` when the model is not BlazeFace for 256 pixels; looks, too, throw it. */
export async function createLooker(
  model: Uint8Array,
  settings: { readonly threads: number; readonly spinning: boolean },
): Promise<Looker> {
  const session = await createSession(model, settings);
  const [inputName, ...others] = session.inputs;
  if (inputName === undefined || others.length > 0 || session.outputs.length !== 4) {
    await session.dispose();
    throw foreignModel('has other inputs or outputs');
  }
  return {
    async look(image, frame, minScore) {
      const { data } = cutOut(image, frame, INPUT_SIZE, SURROUNDINGS);
      for (let i = 0; i < data.length; i++) data[i] = data[i]! / 127.5 - 1;
      const input = float32([1, INPUT_SIZE, INPUT_SIZE, 3], data);
      const outputs = await session.run({ [inputName]: input }).catch((cause: unknown) => {
        throw foreignModel(`cannot be run (${messageOf(cause)})`, cause);
      });
      const faces = blendOverlapping(decodeFaces(Object.values(outputs), minScore), SAME_FACE);
      return faces.map((face) => inImage(face, frame));
    },
    dispose: () => session.dispose(),
  };
}

/** A face in [0, 1] of a frame as a face in the image; its box stays upright and has the same centre and size. */
function inImage({ box, keyPoints, score }: DetectedFace, frame: Frame): DetectedFace {
  const centre = fromFrame(frame, { x: box.x + box.width / 2, y: box.y + box.height / 2 });
  const [width, height] = [box.width * frame.side, box.height * frame.side];
  const points = keyPointNames.map((name) => [name, fromFrame(frame, keyPoints[name])]);
  return {
    box: { x: centre.x - width / 2, y: centre.y - height / 2, width, height },
    keyPoints: Object.fromEntries(points) as KeyPoints,
    score,
  };
}
