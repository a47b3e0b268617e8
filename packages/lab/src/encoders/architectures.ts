// The definitions of the profiles' encoders, known without fetching their weights, from which costs are computed.
import { bertConfig, type BertConfig } from './bert.js';
import { efficientNetConfig } from './efficientnet.js';
import type { FaceNetwork } from './face-network.js';
import type { ProfileName } from './profiles.js';

export interface Architecture {
  readonly text: BertConfig;
  readonly face: FaceNetwork;
  /** Side in pixels of the face encoder's input images. */
  readonly imageSize: number;
}

/** As in the config.json of each profile's pinned weights. */
export const architectures: Readonly<Record<ProfileName, () => Architecture>> = {
  frozen: () => ({
    text: bertConfig({
      model_type: 'bert',
      vocab_size: 30522,
      max_position_embeddings: 512,
      type_vocab_size: 2,
      hidden_size: 384,
      num_hidden_layers: 6,
      num_attention_heads: 12,
      intermediate_size: 1536,
      hidden_act: 'gelu',
    }),
    face: efficientNetConfig('tf_efficientnetv2_b0'),
    imageSize: 96,
  }),
  paper: () => ({
    text: bertConfig({
      model_type: 'distilbert',
      vocab_size: 30522,
      max_position_embeddings: 512,
      dim: 768,
      n_layers: 6,
      n_heads: 12,
      hidden_dim: 3072,
      activation: 'gelu',
    }),
    face: efficientNetConfig('efficientnet_b3'),
    imageSize: 288,
  }),
};
