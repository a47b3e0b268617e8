// The elements of index.html, by their ids.
export function element<K extends keyof HTMLElementTagNameMap>(id: string, tag: K): HTMLElementTagNameMap[K] {
  const found = document.getElementById(id);
  if (found?.localName !== tag) throw new Error(`there is no ${tag} #${id}`);
  return found as HTMLElementTagNameMap[K];
}

/** An element with text, or with children. */
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

/** A narrow no-break space before the sign, as the rest of the page sets it. */
export const percent = (share: number): string => `${Math.round(100 * share)}\u202f%`;

export const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(bytes < 9.95e6 ? 1 : 0);

/** "joy, and more" → "Joy, and more."; an address stays as it is. */
export const sentence = (text: string): string => {
  const whole = text.trim().replace(/\.?$/, '.');
  return /^\w+:\/\//.test(whole) ? whole : whole.charAt(0).toUpperCase() + whole.slice(1);
};
