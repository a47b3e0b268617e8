// Before each test file: sessions compute with Node's runtime, whichever the file before had set, and with one thread
// unless told otherwise: threads of two test files would spin while they wait for each other.
import type * as ort from 'onnxruntime-node';
import { setRuntime } from 'mien-engine';

// As `src/runtime/session.ts` has it; looked at once, when the runtime is loaded.
process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
const { default: runtime } = (await import('onnxruntime-node')) as unknown as { default: typeof ort };

const create = (model: Uint8Array, options: ort.InferenceSession.SessionOptions): Promise<unknown> =>
  runtime.InferenceSession.create(model, { intraOpNumThreads: 1, ...options });

setRuntime({ ...runtime, InferenceSession: { create } } as unknown as Parameters<typeof setRuntime>[0]);
