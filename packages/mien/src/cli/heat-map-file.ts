// Writes a heat map as a PNG: the aligned face in grey, with evidence for the label in colour.
import sharp from 'sharp';
import { writeFileAtomic } from 'mien-engine/node';
import type { DecodedImage } from '../encoders/encoder.js';
import { cutOut } from '../detector/frame.js';
import { resampleRegion } from '../detector/resample.js';
import { heatMap } from '../recognizer/heat-map.js';
import { nodeDecoder } from '../recognizer/node/images.js';
import type { FaceExplanation, ImageSource } from '../recognizer/types.js';

/** Pixels along each side. */
const SIDE = 352;
const COLOUR = [226, 92, 16] as const;

/** @throws MienError `data` when the image cannot be decoded, `file` when the PNG cannot be written. */
export async function writeHeatMap(
  path: string,
  source: ImageSource,
  face: FaceExplanation,
  maxPixels?: number,
): Promise<void> {
  const image = await nodeDecoder({ maxPixels })(source);
  const { width, height, data } = heatMap(face, faceOf(image, face), COLOUR);
  const raw = { width, height, channels: 4 } as const;
  await writeFileAtomic(path, await sharp(Buffer.from(data), { raw }).removeAlpha().png().toBuffer());
}

/** The pixels between the corners. */
function faceOf(image: DecodedImage, { corners }: FaceExplanation): DecodedImage {
  const [corner, right, opposite, below] = corners;
  const [dx, dy] = [right.x - corner.x, right.y - corner.y];
  const side = Math.hypot(dx, dy);
  const isUpright = dy === 0;
  const { data } = isUpright
    ? resampleRegion(image, { ...corner, width: dx, height: below.y - corner.y }, SIDE, SIDE)
    : cutOut(
        image,
        {
          centre: { x: (corner.x + opposite.x) / 2, y: (corner.y + opposite.y) / 2 },
          side,
          across: { x: dx / side, y: dy / side },
        },
        SIDE,
      );
  return { width: SIDE, height: SIDE, data: Uint8Array.from(data, (value) => Math.round(value)) };
}
