// The examples in README.md and docs/ do what they say, type-check, and point to files that exist.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { inspect } from 'node:util';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { compileExample, examplesOf, keeps } from './examples.js';

const root = join(import.meta.dirname, '../..');
const pages = [
  'README.md',
  'packages/engine/README.md',
  ...readdirSync(join(root, 'docs')).map((name) => join('docs', name)),
]
  .filter((name) => name.endsWith('.md') && existsSync(join(root, name)))
  .map((name) => ({ name, text: readFileSync(join(root, name), 'utf8') }));

const examples = pages.flatMap(({ name, text }) =>
  examplesOf(text).map((example) => ({ ...example, name, folder: dirname(join(root, name)) })),
);

/** What a module of an example exports: files of this project by relative paths, packages by name. */
const load = (folder: string) => (from: string) =>
  import(from.startsWith('.') ? join(folder, from.replace(/\.js$/, '.ts')) : from);

type Show = (value: unknown, index: number) => void;
type Program = (load: (from: string) => Promise<unknown>, show: Show) => Promise<void>;
const AsyncFunction = (async () => {}).constructor as new (...parts: string[]) => Program;

/** A value as one would write it in a comment: as Node prints it, with brackets as Prettier sets them. */
const print = (value: unknown): string =>
  inspect(value, { depth: 8, breakLength: Infinity, compact: true, maxArrayLength: 100 })
    .replaceAll('[ ', '[')
    .replaceAll(' ]', ']');

describe('examples', () => {
  test.each(examples)('$name, line $line', async ({ source, folder, name }) => {
    const { code, promised } = compileExample(source);
    const results: string[] = [];
    await new AsyncFunction('load', 'show', code)(load(folder), (value, index) => {
      const printed = print(value);
      const { line, text } = promised[index]!;
      results.push(printed);
      if (!keeps(text, printed))
        expect(`${name}:${line} gives ${printed}`).toBe(`${name}:${line} gives ${text}`);
    });
    expect(results).toHaveLength(promised.length);
    expect(promised.length, 'an example without a result shows nothing').toBeGreaterThan(0);
  });

  test('type-check as strictly as the project', () => {
    const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile) as { config: object };
    const { options } = ts.parseJsonConfigFileContent({ ...config, files: [], include: [] }, ts.sys, root);
    const sources = new Map(
      examples.map(({ source, name, line }) => [
        resolve(root, `${name}.line-${line}.ts`),
        `${source}\nexport {};`,
      ]),
    );
    const host = ts.createCompilerHost(options);
    const { readFile, fileExists, getSourceFile } = host;
    host.fileExists = (path) => sources.has(path) || fileExists(path);
    host.readFile = (path) => sources.get(path) ?? readFile(path);
    host.getSourceFile = (path, ...rest) =>
      sources.has(path)
        ? ts.createSourceFile(path, sources.get(path)!, ts.ScriptTarget.Latest)
        : getSourceFile(path, ...rest);
    const program = ts.createProgram([...sources.keys()], options, host);
    const found = [...sources.keys()].flatMap((path) => {
      const file = program.getSourceFile(path)!;
      return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
        (diagnostic) => {
          const { line } = file.getLineAndCharacterOfPosition(diagnostic.start ?? 0);
          return `${relative(root, path)}, line ${line + 1}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ')}`;
        },
      );
    });
    expect(found).toEqual([]);
  });
});

test.each(pages)('$name points to files that exist', ({ name, text }) => {
  const folder = dirname(join(root, name));
  const links = Array.from(text.matchAll(/\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g), ([, to]) =>
    resolve(folder, to!),
  );
  const mentioned = Array.from(
    text.matchAll(/`((?:packages|test|docs|bench|configs)\/[\w./-]+\.(?:ts|md|json|yaml|py))`/g),
    ([, to]) => join(root, to!),
  );
  expect(
    [...links, ...mentioned].filter((path) => !existsSync(path)).map((path) => relative(root, path)),
  ).toEqual([]);
});

describe('the examples’ reader', () => {
  const page = [
    'text',
    '```ts run',
    'const a = 1;',
    '```',
    '```ts',
    'nothing();',
    '```',
    '```ts run continued',
    'a + 1; // => 2',
    '```',
  ];
  test('joins blocks, keeps line numbers, and leaves other blocks out', () => {
    const [example, ...others] = examplesOf(page.join('\n'));
    expect(others).toEqual([]);
    expect(example!.line).toBe(2);
    expect(example!.source.split('\n').map((line) => line.trim())).toEqual(
      page.map((line, i) => (i === 2 || i === 8 ? line : '')).slice(0, 9),
    );
    expect(compileExample(example!.source).promised).toEqual([{ line: 9, text: '2' }]);
  });
  test('takes a value with or without a remark, and no other value', () => {
    expect(keeps('[ 1, 2 ]', '[ 1, 2 ]')).toBe(true);
    expect(keeps('0.5  (one half)', '0.5')).toBe(true);
    expect(keeps('0.51', '0.5')).toBe(false);
    expect(keeps('0.5', '0.51')).toBe(false);
  });
  test('refuses a result behind something that has none, and a continuation of nothing', () => {
    expect(() => compileExample('const a = 1; // => 1')).toThrow(/line 1/);
    expect(() => examplesOf('```ts run continued\n```')).toThrow(/nothing to continue/);
  });
});
