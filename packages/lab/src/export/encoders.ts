// A bundle's encoders behind the interface that features, heads and tables use.
import { MienError } from 'mien-engine/base';
import { openBundle, readBundle } from 'mien/parts/bundle';
import type { FaceEncoder, TextEncoder } from 'mien/parts/encoders';

/**
 * The encoders of the bundle in a folder; one it lacks is left out. Token states and feature maps are not in a bundle.
 * @throws MienError as `readBundle` and `openBundle` do.
 */
export async function bundleEncoders(
  folder: string,
  options: { readonly threads?: number } = {},
): Promise<{ text?: TextEncoder; face?: FaceEncoder }> {
  const { manifest, files } = await readBundle(folder);
  const bundle = await openBundle(manifest, files, options);
  const { text, face, name } = manifest;
  const noStates = (): never => {
    throw new MienError(
      'usage',
      `the bundle ${name} gives embeddings only, no token states and no feature maps`,
    );
  };
  const identity = (
    modality: 'text' | 'face',
    model: string,
    preprocessing: Record<string, string | number>,
  ) => ({
    id: `mien/${name}-${modality}`,
    revision: 'bundle',
    sha256: manifest.files[model]!.sha256,
    dtype: 'float32' as const,
    preprocessing,
  });
  let open = [text, face].filter((part) => part !== undefined).length;
  const dispose = async (): Promise<void> => {
    if (--open === 0) await bundle.dispose();
  };
  return {
    ...(text
      ? {
          text: {
            identity: identity('text', text.model, { maxTokens: text.maxTokens }),
            width: text.width,
            tokenize: (words) => bundle.tokenize(words),
            encode: async (batch) => (await bundle.tokens(batch)).embedding,
            encodeTokens: noStates,
            dispose,
          },
        }
      : {}),
    ...(face
      ? {
          face: {
            identity: identity('face', face.model, { imageSize: face.size }),
            width: face.width,
            encode: async (batch) => (await bundle.faces(batch)).embedding,
            encodeMap: noStates,
            dispose,
          },
        }
      : {}),
  };
}
