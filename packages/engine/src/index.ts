/**
 * Graphs, operators with their gradients, optimisers, layers and sessions, and everything in `mien-engine/base`.
 * @module mien-engine
 */
export * from './base.js';
export * from './graph/graph.js';
export * from './graph/gradient.js';
export * from './graph/optimizers.js';
export { sameShape } from './graph/shapes.js';
export { encodeModel } from './graph/onnx.js';
export { dtypeOf, type Model, type ModelNode, readModel } from './graph/read-onnx.js';
export * from './graph/ops/channel-major.js';
export * from './graph/ops/control.js';
export * as elementwise from './graph/ops/elementwise.js';
export * from './graph/ops/elementwise.js';
export * from './graph/ops/fused.js';
export * from './graph/ops/image.js';
export * from './graph/ops/linalg.js';
export * from './graph/ops/lookup.js';
export * from './graph/ops/movement.js';
export * from './graph/ops/quantized.js';
export * from './graph/ops/reduction.js';
export * from './layers/channel-major.js';
export * from './layers/conv1d.js';
export * from './layers/loss.js';
export * from './layers/lstm.js';
export * from './layers/parameters.js';
export * from './layers/stochastic.js';
export * from './layers/transformer.js';
export { cutModel, outputsOf } from './runtime/cut-model.js';
export * from './runtime/session.js';
/** The types of ONNX Runtime, whichever of its packages runs. */
export type * as ort from 'onnxruntime-common';
