// What an application for browsers gets of mien: nothing of Node, no more packages than it computes with, no more than
// it asks for.
import { join } from 'node:path';
import { build, type Rolldown } from 'vite';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const ENTRY = join(root, 'packages/mien/src/browser.ts');

/** All that computing takes: models (of explanations), tokens, languages, the manifest, and near names in errors. */
const PACKAGES = ['@bufbuild/protobuf', '@huggingface/tokenizers', 'eld', 'fastest-levenshtein', 'zod'];

/** Bundles a module that is given as text, as Vite does for an application. */
async function bundled(code: string): Promise<Rolldown.OutputChunk[]> {
  const id = 'virtual:application';
  const built = (await build({
    root,
    configFile: false,
    logLevel: 'silent',
    mode: 'production',
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [
      {
        name: 'application',
        resolveId: (given) => (given === id ? id : undefined),
        load: (given) => (given === id ? code : undefined),
      },
    ],
    build: {
      write: false,
      minify: false,
      target: 'es2022',
      rolldownOptions: {
        input: id,
        external: /^onnxruntime-web/,
        preserveEntrySignatures: 'strict',
      },
    },
  })) as Rolldown.RolldownOutput;
  return built.output.filter((part): part is Rolldown.OutputChunk => part.type === 'chunk');
}

const packagesOf = (chunks: readonly Rolldown.OutputChunk[]): string[] => {
  const ids = chunks.flatMap(({ modules }) =>
    Object.entries(modules).flatMap(([id, { renderedLength }]) => (renderedLength > 0 ? [id] : [])),
  );
  const names = ids.map((id) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(id)?.[1]);
  return [...new Set(names.filter((name) => name !== undefined))].sort();
};

describe('the build for browsers', () => {
  test('has no module of Node and no package beyond those it needs', async () => {
    const chunks = await bundled(`export * from ${JSON.stringify(ENTRY)};`);
    const packages = packagesOf(chunks);
    expect(packages.filter((name) => !PACKAGES.includes(name))).toEqual([]);
    expect(packages).toContain('zod');
    // Explanations come with their code when one is asked for, the language detector with the first text.
    const [entry] = chunks.filter(({ isEntry }) => isEntry);
    const atOnce = [entry!, ...chunks.filter(({ fileName }) => entry!.imports.includes(fileName))];
    for (const later of ['@bufbuild/protobuf', 'eld']) expect(packagesOf(atOnce)).not.toContain(later);
    const imports = chunks.flatMap((chunk) => [...chunk.imports, ...chunk.dynamicImports]);
    expect(imports.filter((name) => !/^onnxruntime-web|\.js$/.test(name))).toEqual([]);
    const modules = chunks.flatMap((chunk) => Object.keys(chunk.modules));
    expect(modules.filter((id) => /__vite-browser-external|recognizer\/node\//.test(id))).toEqual([]);
    const code = chunks.map((chunk) => chunk.code).join('\n');
    expect(code).not.toMatch(/["']node:/);
    expect(code).not.toMatch(/\bprocess\.(env|cwd|argv|versions|platform)\b/);
    // Found by bundlers because it is written so; a Node runtime is not, because it is not.
    expect(code).toMatch(/import\("onnxruntime-web\/wasm"\)/);
    expect(code).not.toMatch(/import\(["']onnxruntime-node/);
  });

  test('what is not asked for is left out', async () => {
    const chunks = await bundled(`export { isRecognition, MienError } from ${JSON.stringify(ENTRY)};`);
    expect(packagesOf(chunks)).toEqual([]);
    expect(chunks.map(({ code }) => code).join('').length).toBeLessThan(4000);
  });
});
