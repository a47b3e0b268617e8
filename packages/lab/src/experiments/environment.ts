// Says where numbers were made: versions, platform and processor, as results and benchmarks must state.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, cpus, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { versionIn } from 'mien-engine/node';
import { packageVersion } from 'mien/parts/base';
import type { Environment } from './results.js';

/** The installed version of a dependency, found from its entry point upwards (exports may hide package.json). */
function versionOf(name: string): string {
  let folder = dirname(createRequire(import.meta.url).resolve(name));
  while (!folder.endsWith(join('node_modules', name))) {
    if (folder === dirname(folder)) return 'unknown';
    folder = dirname(folder);
  }
  const manifest = join(folder, 'package.json');
  return existsSync(manifest) ? versionIn(manifest) : 'unknown';
}

export function environment(): Environment {
  return {
    mien: packageVersion(),
    node: process.versions.node,
    onnxruntime: versionOf('onnxruntime-node'),
    platform: `${platform()} ${arch()}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
  };
}
