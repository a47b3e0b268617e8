// The kind of machine that numbers were made on, without its name.
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, loadavg, totalmem } from 'node:os';
import { environment } from 'mien-lab';

/** Extensions that decide how fast matrix products are. */
const EXTENSIONS = [
  'avx',
  'avx2',
  'fma',
  'avx512f',
  'avx_vnni',
  'avx512_vnni',
  'amx_tile',
  'asimd',
  'asimddp',
];

function extensions(): string[] {
  if (!existsSync('/proc/cpuinfo')) return [];
  const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
  return EXTENSIONS.filter((extension) => flags.split(/\s+/).includes(extension));
}

/** `2 cores (linux x64; avx avx2 fma), 16 GB, load 0.4; Node 22.1.0, ONNX Runtime 1.30.0` */
export function machineKind(): string {
  const { platform, node, onnxruntime } = environment();
  const known = extensions().join(' ') || 'extensions unknown';
  const memory = Math.round(totalmem() / 2 ** 30);
  return (
    `${availableParallelism()} cores (${platform}; ${known}), ${memory} GB, load ${loadavg()[0]!.toFixed(1)}; ` +
    `Node ${node}, ONNX Runtime ${onnxruntime}`
  );
}
