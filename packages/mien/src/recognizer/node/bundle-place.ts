// Locates a bundle: a folder, a `file:` URL, or the URL of a folder over HTTP.
import { fileURLToPath } from 'node:url';
import { MienError, tagOf } from 'mien-engine/base';

const HINT = 'Expected a folder, or its http(s) or file URL.';

const refuse = (message: string, cause?: unknown): MienError =>
  new MienError('usage', message, { field: 'bundle', hint: HINT, cause });

/**
 * A path, or a URL that begins with `http:` or `https:`.
 * @throws MienError `usage` for anything else.
 */
export function placeOfBundle(bundle: unknown): string {
  // Not by `instanceof`, since URLs may be from another realm.
  const isUrl = tagOf(bundle) === 'URL';
  if (typeof bundle !== 'string' && !isUrl)
    throw refuse(`a bundle cannot be ${bundle === null ? 'null' : `a ${typeof bundle}`}`);
  const given = String(bundle).trim();
  if (given === '') throw refuse('the name of the bundle is empty');
  // A drive letter is not a scheme.
  if (!/^(https?:|file:|[a-z][a-z\d+.-]+:\/\/)/i.test(given))
    return given.replace(/[\\/]manifest\.json$/, '');
  const url = parsed(given);
  if (url.protocol === 'http:' || url.protocol === 'https:') return url.href;
  if (url.protocol !== 'file:') throw refuse(`bundles cannot be read from ${url.protocol} URLs`);
  try {
    return fileURLToPath(url).replace(/[\\/]manifest\.json$/, '');
  } catch (cause) {
    throw refuse(`${given} is not the URL of a folder (${(cause as Error).message})`, cause);
  }
}

function parsed(address: string): URL {
  try {
    return new URL(address);
  } catch (cause) {
    throw refuse(`${address} is not a URL`, cause);
  }
}
