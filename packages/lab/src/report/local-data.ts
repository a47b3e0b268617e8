// The texts and faces of item ids, if the data sets are on this machine.
import sharp from 'sharp';
import { openDataSets } from '../data/open.js';
import type { FaceItem } from 'mien/parts/data';

export interface LocalData {
  /** Undefined for an unknown id. */
  text(id: string): string | undefined;
  /** A small image as a data URI; undefined for an unknown id or if it cannot be decoded. */
  face(id: string): Promise<string | undefined>;
}

/** Side of a face on the page, in pixels. */
const SIDE = 64;

/** @throws MienError `file` and `data` as `openDataSets` */
export async function openLocalData(folder: string): Promise<LocalData> {
  const sets = await openDataSets(folder, { skipInvalid: true });
  const texts = new Map(sets.isear?.items.map(({ id, text }) => [id, text]));
  const faces = new Map(
    [...(sets.fer2013?.items ?? []), ...(sets.rafdb?.items ?? [])].map((item) => [item.id, item]),
  );
  return {
    text: (id) => texts.get(id),
    face: async (id) => {
      const item = faces.get(id);
      return item && (await thumbnail(item).catch(() => undefined));
    },
  };
}

async function thumbnail({ image }: FaceItem): Promise<string> {
  const source =
    image.kind === 'file'
      ? sharp(image.path)
      : sharp(image.data, { raw: { width: image.width, height: image.height, channels: 1 } });
  const bytes = await source.resize(SIDE, SIDE, { fit: 'cover' }).webp({ quality: 55 }).toBuffer();
  return `data:image/webp;base64,${bytes.toString('base64')}`;
}
