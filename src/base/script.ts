// Where the script of a child process lies: beside the module that starts it.
import { fileURLToPath } from 'node:url';

export interface Script {
  readonly path: string;
  /** Options of Node that it needs. */
  readonly execArgv: string[];
}

/**
 * The script `name` (without extension) in the folder of the module whose `import.meta.url` is given. In development
 * the sources run as they are, through tsx.
 */
export function scriptBeside(module: string, name: string): Script {
  const fromSource = module.endsWith('.ts');
  return {
    path: fileURLToPath(new URL(`./${name}${fromSource ? '.ts' : '.js'}`, module)),
    execArgv: fromSource ? ['--import', 'tsx'] : [],
  };
}
