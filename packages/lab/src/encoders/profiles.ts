// Profiles: which published weights encode texts and faces, and how items are prepared for them; built in, or read from
// a file of the user.
import { parse } from 'yaml';
import { z } from 'zod';
import { defined, MienError, suggestion } from 'mien-engine/base';
import { readText } from 'mien-engine/node';

/** Published weights: a pinned repository of the hub. */
export interface PretrainedSpec {
  /** Hub id, `org/name`. */
  readonly id: string;
  /**
   * Commit, or a branch if no commit is known: then the first fetch records commit and hash in the hub's cache, later
   * ones use these, and every manifest states them.
   */
  readonly revision: string;
  /** SHA-256 of `model.safetensors`, if known. */
  readonly sha256?: string;
  /** A folder with the files, instead of the hub. */
  readonly folder?: string;
}

/** How token states are pooled into one embedding: the state of the first token, or the mean over all tokens. */
export type Pooling = 'cls' | 'mean';

export interface TextEncoderSpec extends PretrainedSpec {
  readonly pooling: Pooling;
  /** Texts are truncated to this many tokens, including special ones. */
  readonly maxTokens: number;
}

export interface FaceEncoderSpec extends PretrainedSpec {
  /**
   * Side in pixels to which images are resized, uncropped and without preserving their aspect ratio; `published` is
   * `input_size` in the weights' config.json (288 for EfficientNet-B3 `ra2_in1k`).
   */
  readonly imageSize: number | 'published';
  /** Whether embeddings are means over the image and its mirror image, which takes twice the time; default false. */
  readonly mirror?: boolean;
}

export interface Profile {
  readonly text: TextEncoderSpec;
  readonly face: FaceEncoderSpec;
}

export const profiles = {
  /** Two small encoders as published, for experiments with frozen encoders on ordinary machines. */
  frozen: {
    text: {
      id: 'sentence-transformers/all-MiniLM-L6-v2',
      revision: 'c9745ed1d9f207416be6d2e6f8de32d1f16199bf',
      sha256: '53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db',
      pooling: 'mean',
      maxTokens: 128,
    },
    face: { id: 'timm/tf_efficientnetv2_b0.in1k', revision: 'main', imageSize: 96 },
  },
  /** The encoders of Mishra et al. 2026 (section III): DistilBERT and EfficientNet-B3. */
  paper: {
    text: {
      id: 'distilbert/distilbert-base-uncased',
      revision: '12040accade4e8a0f71eabdb258fecc2e7e948be',
      sha256: '5e3f1108e3cb34ee048634875d8482665b65ac713291a7e32396fb18f6ff0063',
      pooling: 'cls',
      maxTokens: 128,
    },
    face: { id: 'timm/efficientnet_b3.ra2_in1k', revision: 'main', imageSize: 'published' },
  },
} as const satisfies Record<string, Profile>;

export type ProfileName = keyof typeof profiles;

export const PROFILE_NAMES = Object.keys(profiles) as ProfileName[];

const pretrained = {
  id: z.string().regex(/^[\w.-]+\/[\w.-]+$/, 'must be a hub id, org/name'),
  revision: z.string().min(1).default('main'),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits')
    .optional(),
  folder: z.string().min(1).optional(),
};

const schema = z.strictObject({
  text: z.strictObject({
    ...pretrained,
    pooling: z.enum(['cls', 'mean']),
    maxTokens: z.int().min(3).default(128),
  }),
  face: z.strictObject({
    ...pretrained,
    imageSize: z.union([z.literal('published'), z.int().min(32)]).default('published'),
    mirror: z.boolean().default(false),
  }),
});

/**
 * The profile with this name, or in the file at this path (`.yaml`, `.yml` or `.json`).
 * @throws MienError `usage` for an unknown name; `file`, `format` or `config` for an unusable file
 */
export async function findProfile(name: string): Promise<Profile> {
  const known = PROFILE_NAMES.find((candidate) => candidate === name);
  if (known !== undefined) return profiles[known];
  if (!/\.(ya?ml|json)$/.test(name))
    throw new MienError('usage', `unknown profile "${name}"`, {
      hint: `${suggestion(name, PROFILE_NAMES)} To use your own profile, specify its file: --profile mine.yaml`,
    });
  const text = await readText(name);
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw new MienError('format', `is not YAML or JSON: ${(cause as Error).message}`, { file: name, cause });
  }
  const result = schema.safeParse(value);
  if (!result.success) {
    const [issue] = result.error.issues;
    if (issue === undefined) throw result.error;
    const field = [...issue.path, ...(issue.code === 'unrecognized_keys' ? issue.keys : [])].join('.');
    throw new MienError('config', issue.message, { file: name, ...defined({ field: field || undefined }) });
  }
  return result.data as Profile;
}
