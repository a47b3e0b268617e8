// Encoders small enough for tests that need their structure and not their knowledge: drawn weights, written as bundles.
import {
  float32,
  type Model,
  type ParameterSpec,
  quantizeRows,
  quantizeWeight,
  randomStream,
  readModel,
  type Tensor,
} from 'mien-engine';
import {
  bertConfig,
  bertParameters,
  decisionModel,
  type EfficientNetConfig,
  faceModel,
  type FaceNetwork,
  faceNetworkParameters,
  linearTop,
  type MobileFaceNetConfig,
  textModel,
  type Top,
} from 'mien-lab';
import { BUNDLE_FORMAT, type BundleManifest } from 'mien/parts/bundle';

export const LABELS = ['anger', 'joy', 'sadness'];
const CLASSIFIER = 'classifier';

/** Weights as small networks have them: norms near one, matrices that keep the size of what they multiply. */
function drawn(specs: readonly ParameterSpec[], width: number): Record<string, Tensor<'float32'>> {
  const all = [
    ...specs,
    { name: `${CLASSIFIER}.weight`, shape: [LABELS.length, width] },
    { name: `${CLASSIFIER}.bias`, shape: [LABELS.length] },
  ];
  return Object.fromEntries(
    all.map(({ name, shape }) => {
      const draw = randomStream(5, name);
      const count = shape.reduce((a, b) => a * b, 1);
      const inner = Math.sqrt(shape.slice(1).reduce((a, b) => a * b, 1));
      const near = /running_var$|(norm|bn\d|LayerNorm)\.weight$/i.test(name) ? 1 : 0;
      const scale = shape.length > 1 ? 1.5 / inner : 0.1;
      return [
        name,
        float32(
          shape,
          Float32Array.from({ length: count }, () => near + scale * draw.normal()),
        ),
      ];
    }),
  );
}

const bert = bertConfig({
  model_type: 'bert',
  hidden_act: 'gelu',
  layer_norm_eps: 1e-12,
  vocab_size: 40,
  max_position_embeddings: 16,
  type_vocab_size: 2,
  hidden_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  intermediate_size: 64,
});
const network: EfficientNetConfig = {
  family: 'efficientnet',
  architecture: 'small',
  padding: 'same',
  epsilon: 1e-3,
  stem: 8,
  width: 32,
  stages: [
    [{ kind: 'fused', kernel: 3, stride: 2, inputs: 8, expanded: 16, outputs: 8, squeezed: 0 }],
    [{ kind: 'inverted', kernel: 3, stride: 2, inputs: 8, expanded: 16, outputs: 8, squeezed: 4 }],
  ],
};
const faceInput = { size: 32, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], mirror: true };

const part = { labels: LABELS, temperature: 1, prior: LABELS.map(() => 1 / 3) };
const manifestOf = (parts: object): BundleManifest => ({
  format: BUNDLE_FORMAT,
  name: 'small',
  decision: 'decision.onnx',
  terms: [],
  files: {},
  ...(parts as Pick<BundleManifest, 'text'>),
});

/** The decision of a bundle that is made of them. */
export const decisionOf = (manifest: BundleManifest): Model =>
  readModel(decisionModel(manifest), manifest.decision);

const textWeights = drawn(bertParameters(bert), bert.width);

/** What whole numbers stand for: linear layers and the word table rounded, the rest as it is. */
const rounded = Object.fromEntries(
  Object.entries(textWeights).map(([name, weight]) => {
    const [rows, columns] = weight.shape as [number, number];
    if (/(query|key|value|dense)\.weight$/.test(name)) {
      const { values, scales } = quantizeWeight(weight);
      const of = (i: number) => values.data[(i % columns) * rows + Math.floor(i / columns)]!;
      return [
        name,
        float32(
          weight.shape,
          weight.data.map((_, i) => of(i) * scales.data[Math.floor(i / columns)]!),
        ),
      ];
    }
    if (!name.endsWith('word_embeddings.weight')) return [name, weight];
    const { values, scales } = quantizeRows(weight);
    return [
      name,
      float32(
        weight.shape,
        weight.data.map((_, i) => values.data[i]! * scales.data[Math.floor(i / columns)]!),
      ),
    ];
  }),
);

/** Texts of ids below 40: in whole numbers, or in float32 with the weights that these stand for. */
export const smallText = (precision: 'small' | 'float32' = 'small', fine?: Top) => ({
  bytes: textModel(
    bert,
    precision === 'small' ? textWeights : rounded,
    'mean',
    linearTop(textWeights, LABELS.length),
    precision,
    fine,
  ),
  manifest: manifestOf({ text: { ...part, model: 'text.onnx', tokenizer: '', maxTokens: 16, width: 32 } }),
});

/** As MobileFaceNet, in small: its last map is 8×8 at 32 pixels, the pooling kernel 3×3. */
const mobile: MobileFaceNetConfig = {
  family: 'mobilefacenet',
  architecture: 'small',
  stem: 8,
  width: 32,
  pool: 3,
  stages: [
    [{ name: 'stage1.0', stride: 2, inputs: 8, expanded: 16, outputs: 8 }],
    [{ name: 'stage2.0', stride: 1, inputs: 8, expanded: 16, outputs: 8 }],
  ],
};

/** A network with drawn weights and a classifier, and the manifest of a bundle that is made of them. */
export function smallFaceParts(of: 'efficientnet' | 'mobilefacenet') {
  const chosen: FaceNetwork = of === 'mobilefacenet' ? mobile : network;
  const weights = drawn(faceNetworkParameters(chosen), chosen.width);
  const face = { ...part, model: 'face.onnx', size: 32, mirror: true, width: 32 };
  return { network: chosen, input: faceInput, weights, manifest: manifestOf({ face }) };
}

/** Faces and their mirror images, in float16. */
export const smallFace = (of: 'efficientnet' | 'mobilefacenet' = 'efficientnet') => {
  const { network: chosen, input, weights, manifest } = smallFaceParts(of);
  return { bytes: faceModel(chosen, input, weights, linearTop(weights, LABELS.length)), manifest };
};
