// Detects what a page's Content-Security-Policy forbids, since browsers report only that something failed.
import { MienError } from 'mien-engine/base';

/** The smallest WebAssembly module. */
const MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/** Maximum characters of a URL in errors; a worker's may contain its script. */
const MAX_URL = 200;

const here = (): { file?: string } =>
  globalThis.location === undefined ? {} : { file: globalThis.location.href.slice(0, MAX_URL) };

/**
 * Checks that WebAssembly can be compiled here.
 * @throws MienError `config` with the page (or worker) and the missing source, `usage` in browsers without WebAssembly.
 */
export function checkWebAssembly(): void {
  if (typeof WebAssembly === 'undefined')
    throw new MienError('usage', 'this browser has no WebAssembly, or it is turned off');
  try {
    new WebAssembly.Module(MODULE);
  } catch (cause) {
    throw new MienError('config', 'its Content-Security-Policy forbids WebAssembly', {
      ...here(),
      cause,
      hint: "Add 'wasm-unsafe-eval' to script-src: script-src 'self' 'wasm-unsafe-eval'. Workers have the policy of the response with their script.",
    });
  }
}

export interface PolicyWatch {
  /** The error to throw instead of `error` if the policy caused it, else `error`. */
  explain(error: unknown): Promise<unknown>;
  stop(): void;
}

/** Records violations of the policy while files and scripts are loaded. */
export function watchPolicy(): PolicyWatch {
  const violations: SecurityPolicyViolationEvent[] = [];
  const note = (event: Event): void => void violations.push(event as SecurityPolicyViolationEvent);
  globalThis.addEventListener?.('securitypolicyviolation', note);
  return {
    stop: () => globalThis.removeEventListener?.('securitypolicyviolation', note),
    async explain(error) {
      if (!(error instanceof MienError) || error.cause === undefined) return error;
      if (error.code !== 'offline' && error.code !== 'usage') return error;
      // The promise rejects before the event is dispatched.
      await new Promise((resolve) => setTimeout(resolve));
      const violation = violations.find((one) => isAbout(one, error.place.file));
      if (!violation) return error;
      const { origin } = new URL(violation.blockedURI);
      const source = origin === globalThis.location?.origin ? "'self'" : origin;
      return new MienError('config', "the page's Content-Security-Policy forbids fetching it", {
        file: error.place.file ?? violation.blockedURI,
        cause: error,
        hint: `Add ${source} to ${violation.effectiveDirective.replace(/-elem$/, '')}.`,
      });
    },
  };
}

/** Whether a file, or a script if no file is known, was blocked. After a redirect browsers report only the origin. */
function isAbout(
  { blockedURI, effectiveDirective, disposition }: SecurityPolicyViolationEvent,
  file: string | undefined,
): boolean {
  if (disposition !== 'enforce' || !/^https?:/.test(blockedURI)) return false;
  return file === undefined
    ? effectiveDirective.startsWith('script-src')
    : blockedURI === file || blockedURI === new URL(file).origin;
}
