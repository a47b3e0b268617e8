// What a page's Content-Security-Policy forbids: browsers say only that something failed, so the policy is asked.
import { MienError } from 'mien-engine/base';

/** The smallest module there is. */
const MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/** Characters of the address of a page, or of a worker whose script may be in it. */
const LONGEST_ADDRESS = 200;

const here = (): { file?: string } =>
  globalThis.location === undefined ? {} : { file: globalThis.location.href.slice(0, LONGEST_ADDRESS) };

/**
 * Whether WebAssembly may be compiled here at all.
 * @throws MienError `config` that names the page (or worker) and the missing source, `usage` in a browser without it.
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
      hint: "Add 'wasm-unsafe-eval' to script-src: script-src 'self' 'wasm-unsafe-eval'. A worker has the policy that its script is sent with.",
    });
  }
}

export interface PolicyWatch {
  /** What to tell instead of an error, if the policy caused it. */
  explain(error: unknown): Promise<unknown>;
  stop(): void;
}

/** Notes what the policy blocks while files and scripts are loaded. */
export function watchPolicy(): PolicyWatch {
  const violations: SecurityPolicyViolationEvent[] = [];
  const note = (event: Event): void => void violations.push(event as SecurityPolicyViolationEvent);
  globalThis.addEventListener?.('securitypolicyviolation', note);
  return {
    stop: () => globalThis.removeEventListener?.('securitypolicyviolation', note),
    async explain(error) {
      if (!(error instanceof MienError) || error.cause === undefined) return error;
      if (error.code !== 'offline' && error.code !== 'usage') return error;
      // The promise is rejected before the event is told.
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

/** Whether a file, or, where none is known, a script was blocked. After a redirect browsers tell its origin only. */
function isAbout(
  { blockedURI, effectiveDirective, disposition }: SecurityPolicyViolationEvent,
  file: string | undefined,
): boolean {
  if (disposition !== 'enforce' || !/^https?:/.test(blockedURI)) return false;
  return file === undefined
    ? effectiveDirective.startsWith('script-src')
    : blockedURI === file || blockedURI === new URL(file).origin;
}
