// Test runners (Jest with vm modules, Vitest's vmThreads) run modules in a realm of their own. Native code makes typed
// arrays of the main realm, which are not `instanceof` the other's, so that the JavaScript around it has to be there too.

/** The main realm, seen from another one. */
export interface MainRealm {
  readonly global: typeof globalThis;
  /** Requires a package there, as the module at the address `from` would. */
  readonly require: (name: string, from: string) => unknown;
}

/** What is used of Node's modules `vm` and `module`, and of `process`. */
interface Vm {
  runInThisContext(code: string): unknown;
}
interface Global {
  readonly process?: {
    getBuiltinModule?(name: string): { createRequire(from: string): (name: string) => unknown };
  };
}

/** No literal in the import, so that bundlers for browsers do not follow it. */
const VM: string = 'vm';

/**
 * The main realm; undefined where this is it, or where there is none (browsers).
 * @throws Error where Node is too old to reach it.
 */
export async function mainRealm(): Promise<MainRealm | undefined> {
  const vm = await import(/* @vite-ignore */ /* webpackIgnore: true */ VM).then(
    (module) => module as Partial<Vm>,
    () => undefined,
  );
  const global = vm?.runInThisContext?.('globalThis') as typeof globalThis | undefined;
  if (!global || global.Float32Array === Float32Array) return undefined;
  const modules = (global as Global).process?.getBuiltinModule?.('module');
  if (!modules) throw new Error('modules run in a realm of their own here, which takes Node 20.16 or 22.3');
  return { global, require: (name, from) => modules.createRequire(from)(name) };
}
