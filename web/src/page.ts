// Elements and formats that all parts of the page use.

/** The element of index.html with this id. */
export function element<K extends keyof HTMLElementTagNameMap>(id: string, tag: K): HTMLElementTagNameMap[K] {
  const match = document.getElementById(id);
  if (match?.localName !== tag) throw new Error(`there is no ${tag} #${id}`);
  return match as HTMLElementTagNameMap[K];
}

/** A new element with text or children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/** With a narrow no-break space before the sign; `–` for a label without a probability. */
export const percent = (share: number | undefined): string =>
  share === undefined ? '–' : `${Math.round(100 * share)}\u202f%`;

export const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(bytes < 9.95e6 ? 1 : 0);

/** "joy, and more" → "Joy, and more."; a URL at the beginning is not capitalised. */
export const sentence = (text: string): string => {
  const ended = text.trim().replace(/\.?$/, '.');
  return /^\w+:\/\//.test(ended) ? ended : ended.charAt(0).toUpperCase() + ended.slice(1);
};
