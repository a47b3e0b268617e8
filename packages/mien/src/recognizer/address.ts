// Addresses of what is fetched: files of a folder, and why one could not be had.

/**
 * The address of a file in the folder that an address names. Its query, a signature perhaps, goes with every file; what
 * stands after `#` does not, nor does `manifest.json`, by which a bundle's folder is named as well.
 */
export function inFolder(folder: string | URL, name: string): string {
  const url = new URL(folder);
  url.pathname = `${url.pathname.replace(/\/(manifest\.json)?\/*$/, '')}/${name}`;
  url.hash = '';
  return url.href;
}

/** An address as a message shows it: its query may be secret. */
export function shownAddress(address: string): string {
  const { origin, pathname, search } = new URL(address);
  return `${origin}${pathname}${search && '?…'}`;
}

/** What the network says: `fetch` itself says little more than that it failed. */
export function networkReason(cause: unknown): string {
  const {
    cause: deeper,
    message,
    code,
  } = (cause ?? {}) as { cause?: unknown; message?: string; code?: string };
  if (deeper !== undefined) return networkReason(deeper);
  return message || code || String(cause);
}

/** What to do about a status that is not a success; nothing where it depends on what was asked for. */
export const statusHint = (status: number): string | undefined =>
  status === 401 || status === 403
    ? 'The server does not give it to everybody: is the address signed, and still valid?'
    : status >= 500 || status === 429
      ? 'The server cannot give it now; try again later.'
      : undefined;
