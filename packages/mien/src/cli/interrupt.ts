// Ctrl-C: long work may stop cleanly at the next safe place; everything else stops at once.
import { exitCodes } from './exit.js';

const controller = new AbortController();
let awaited = false;

/**
 * A signal that fires at the first SIGINT or SIGTERM. A command that takes it promises to stop at its next safe
 * place by throwing a `MienError` `interrupted`; a second signal ends the process at once.
 */
export function interruption(): AbortSignal {
  awaited = true;
  return controller.signal;
}

/** The exit code of the signal that came, or undefined when none did. */
export const interruptedCode = (): number | undefined =>
  controller.signal.aborted ? (controller.signal.reason as number) : undefined;

/** Installs the handlers; called once by the bin. */
export function handleSignals(): void {
  const handle = (code: number) => (): void => {
    const again = controller.signal.aborted;
    controller.abort(code);
    if (again || !awaited) process.exit(code);
    process.stderr.write('\nmien: stopping at the next safe place; once more to stop at once\n');
  };
  process.on('SIGINT', handle(exitCodes.interrupted));
  process.on('SIGTERM', handle(exitCodes.terminated));
}
