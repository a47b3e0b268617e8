/**
 * The part of mien-engine that needs Node: atomic files, packages on disk, child processes, models that run in these.
 * @module mien-engine/node
 */
export {
  asFileError,
  fileError,
  parseJson,
  readChunks,
  readJson,
  readText,
  sha256,
  sha256File,
  writeFileAtomic,
} from './base/files.js';
export type { ModuleFile, Package } from './base/module-file.js';
export { packageFiles, type PackageFiles, versionIn } from './base/package.js';
export {
  type ProcessEvent,
  type ProcessPool,
  type ProcessPoolOptions,
  startProcessPool,
  threadsPerProcess,
} from './base/process-pool.js';
export { runInProcesses, type RunInProcessesOptions } from './base/run-in-processes.js';
export { serveTasks } from './base/serve-tasks.js';
export { openSession, type OpenSession, type OpenSessionOptions } from './runtime/session-pool.js';
export { openSafetensors, readSafetensorsFile, writeSafetensorsFile } from './base/safetensors-file.js';
