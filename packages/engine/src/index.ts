/**
 * Graphs, operators with their gradients, optimisers, layers and sessions; and all of `mien-engine/base`.
 * @module mien-engine
 */
export * from './base.js';
export * from './graph/builder.js';
export * from './graph/operator.js';
export * from './graph/count.js';
export * from './graph/custom-gradient.js';
export * from './graph/gradient.js';
export * from './graph/optimizers.js';
export * from './graph/schedules.js';
export { sameShape } from './graph/shapes.js';
export { encodeModel } from './graph/onnx.js';
export * from './graph/ops/channel-major.js';
export * from './graph/ops/control.js';
export * from './graph/ops/convolution.js';
export * as elementwise from './graph/ops/elementwise.js';
export * from './graph/ops/elementwise.js';
export * from './graph/ops/embedding.js';
export * from './graph/ops/image.js';
export * from './graph/ops/linalg.js';
export * from './graph/ops/lookup.js';
export * from './graph/ops/movement.js';
export * from './graph/ops/normalization.js';
export * from './graph/ops/quantized.js';
export * from './graph/ops/reduction.js';
export * from './graph/ops/scaled.js';
export * from './layers/attention.js';
export * from './layers/batch-norm.js';
export * from './layers/channel-major.js';
export * from './layers/layer-norm.js';
export * from './layers/linear.js';
export * from './layers/loss.js';
export * from './layers/lstm.js';
export * from './layers/parameters.js';
export * from './layers/stochastic.js';
export * from './runtime/session.js';
export { dtypeOf, type Model, type ModelNode, readModel } from './graph/read-onnx.js';
/** The types of ONNX Runtime, whichever of its packages runs. */
export type * as ort from 'onnxruntime-common';
