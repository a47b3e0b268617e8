// The feature floor as plain JavaScript in a folder of its own: child processes of tests start often, and a loader
// for TypeScript would take most of their time.
import { mkdir, mkdtemp, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** Compiles what the children in this folder import; gives the folder, which the caller removes. */
export async function compileFeatures(): Promise<string> {
  const compiled = await mkdtemp(join(tmpdir(), 'mien-child-'));
  const repository = fileURLToPath(new URL('../..', import.meta.url));
  await symlink(join(repository, 'node_modules'), join(compiled, 'node_modules'));
  await writeFile(join(compiled, 'package.json'), '{"type":"module"}');
  for (const folder of ['src/base', 'src/features', 'test/features']) {
    const names = (await readdir(join(repository, folder))).filter((name) => name.endsWith('.ts'));
    await mkdir(join(compiled, folder), { recursive: true });
    for (const name of names) {
      const source = await readFile(join(repository, folder, name), 'utf8');
      const { outputText } = ts.transpileModule(source, {
        compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
      });
      await writeFile(join(compiled, folder, name.replace(/ts$/, 'js')), outputText);
    }
  }
  return compiled;
}
