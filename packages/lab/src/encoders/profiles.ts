// The encoders of each profile, as plain data: which published weights, and how items are prepared for them.

/** Published weights: a repository of the hub, pinned. */
export interface PretrainedSpec {
  /** Hub id, `org/name`. */
  readonly id: string;
  /**
   * Commit, or a branch where no commit is known: then the first fetch records commit and hash in the hub's cache,
   * later ones keep to them, and every manifest states them.
   */
  readonly revision: string;
  /** SHA-256 of `model.safetensors`, where it is known. */
  readonly sha256?: string;
  /** A folder that holds the files, instead of the hub. */
  readonly folder?: string;
}

/** How token states become one embedding: that of the first token, or the mean over all tokens of the text. */
export type Pooling = 'cls' | 'mean';

export interface TextEncoderSpec extends PretrainedSpec {
  readonly pooling: Pooling;
  /** Texts are cut at this many tokens, special ones included. */
  readonly maxTokens: number;
}

export interface FaceEncoderSpec extends PretrainedSpec {
  /**
   * Side in pixels to which images are resized, uncropped and without regard to their proportions; `published`
   * takes `input_size` of the weights' own config.json (288 for EfficientNet-B3 `ra2_in1k`).
   */
  readonly imageSize: number | 'published';
  /** Whether embeddings are means of those of both mirror images, which takes twice the time; not by default. */
  readonly mirror?: boolean;
}

export interface Profile {
  readonly text: TextEncoderSpec;
  readonly face: FaceEncoderSpec;
}

export const profiles = {
  /** Two light encoders as published, for experiments with frozen encoders on ordinary machines. */
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
  /** The encoders that Mishra et al. 2026 name (section III): DistilBERT and EfficientNet-B3. */
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
