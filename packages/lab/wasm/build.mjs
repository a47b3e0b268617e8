// Compiles resize.ts by AssemblyScript's `asc`, which must be on the path (see `npm run generate`).
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const here = import.meta.dirname;
const folder = mkdtempSync(join(tmpdir(), 'mien-wasm-'));
const compiled = join(folder, 'resize.wasm');
const options = ['--runtime', 'stub', '--enable', 'simd', '-O3', '--noAssert', '--outFile', compiled];
execFileSync('asc', [join(here, 'resize.ts'), ...options], { stdio: 'inherit' });
writeFileSync(
  join(here, '../src/encoders/resize-module.ts'),
  `// Generated from wasm/resize.ts by \`npm run generate\`: the WebAssembly module, in base64.
// prettier-ignore
export const RESIZE_MODULE =
  '${readFileSync(compiled).toString('base64')}';
`,
);
rmSync(folder, { recursive: true });
