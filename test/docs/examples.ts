// Turns the examples of a Markdown page into programs: blocks marked `ts run`, with results in `// =>` comments.
import ts from 'typescript';

export interface Example {
  /** TypeScript, with as many lines before it as in the page, so that errors state the page's lines. */
  readonly source: string;
  /** The first line in the page. */
  readonly line: number;
}

/** A result that the page promises. */
export interface Promised {
  readonly line: number;
  readonly text: string;
}

/**
 * The programs of a page. A block that begins with ```` ```ts run ```` is one; ```` ```ts run continued ```` goes on
 * with the one above it.
 */
export function examplesOf(markdown: string): Example[] {
  const examples: { lines: string[]; line: number }[] = [];
  let inside = false;
  markdown.split('\n').forEach((text, at) => {
    const fence = /^```(.*)$/.exec(text);
    if (!fence) {
      if (inside) examples.at(-1)!.lines[at] = text;
      return;
    }
    const mark = inside ? '' : fence[1]!.trim();
    inside = mark === 'ts run' || mark === 'ts run continued';
    if (mark === 'ts run') examples.push({ lines: [], line: at + 1 });
    else if (inside && examples.length === 0) throw new Error(`line ${at + 1}: there is nothing to continue`);
  });
  return examples.map(({ lines, line }) => ({
    source: Array.from(lines, (text) => text ?? '').join('\n'),
    line,
  }));
}

/**
 * An example as the body of an async function of `load`, which imports a module, and `show`, which is given the value
 * of each expression that a `// =>` comment follows and the number of that comment.
 */
export function compileExample(source: string): { code: string; promised: Promised[] } {
  const file = ts.createSourceFile('example.ts', source, ts.ScriptTarget.Latest, true);
  const promised: Promised[] = [];
  let marked = '';
  let position = 0;
  for (const statement of file.statements) {
    const [comment] = ts.getTrailingCommentRanges(source, statement.end) ?? [];
    const text = comment && /^\/\/ =>\s*(.*)$/.exec(source.slice(comment.pos, comment.end))?.[1];
    if (text === undefined) continue;
    const line = file.getLineAndCharacterOfPosition(statement.end).line + 1;
    if (!ts.isExpressionStatement(statement))
      throw new Error(`line ${line}: only an expression has a result`);
    marked += `${source.slice(position, statement.getStart(file))}show(${statement.expression.getText(file)}, ${promised.length});`;
    position = statement.end;
    promised.push({ line, text: text.trim() });
  }
  marked += source.slice(position);
  const { outputText } = ts.transpileModule(marked, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  const code = outputText
    .replace(/^import\s*(\{[^}]*\})\s*from\s*['"]([^'"]+)['"];/gm, (_all, names: string, from: string) => {
      return `const ${names.replaceAll(' as ', ': ')} = await load('${from}');`;
    })
    .replace(/^import \* as (\w+) from ['"]([^'"]+)['"];/gm, "const $1 = await load('$2');")
    .replace(/^export \{\};?$/gm, '');
  return { code, promised };
}

/** Whether a value, as it is printed, is what was promised; a remark in brackets may follow. */
export const keeps = (promise: string, printed: string): boolean =>
  promise === printed || (promise.startsWith(printed) && /^\s+\(.*\)$/.test(promise.slice(printed.length)));
