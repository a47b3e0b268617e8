// Actions and observations of the page for tests.
import type { Page } from 'playwright-core';
import { vi } from 'vitest';

export const percent = (share: number): string => `${Math.round(100 * share)}\u202f%`;

export const ready = (page: Page): Promise<unknown> =>
  page.waitForSelector('#loading.ready', { timeout: 50_000 });

/** Resolves once the page's files are stored for the next visit, offline or not. */
export const isStored = (page: Page): Promise<unknown> =>
  page.waitForSelector('#kept:not([hidden])', { timeout: 50_000 });

export const shows = (page: Page, label: string): Promise<void> =>
  page.locator('#verdict', { hasText: label }).waitFor();

export const says = (page: Page, words: string): Promise<void> =>
  page.locator('#by', { hasText: words }).waitFor();

/**
 * Waits until an expression is true in the page. Playwright's `waitForFunction` checks again by `eval` inside the
 * page, which a Content-Security-Policy without 'unsafe-eval' refuses.
 */
export const holds = (page: Page, expression: string): Promise<unknown> =>
  vi.waitUntil(() => page.evaluate(`!!(${expression})`), { timeout: 50_000, interval: 50 });

/** Left, top and width of the first box in percent of the picture. */
export const boxOf = (page: Page): Promise<number[]> =>
  page.evaluate(
    "(({ style }) => [style.left, style.top, style.width].map(parseFloat))(document.querySelector('.box'))",
  ) as Promise<number[]>;

export async function bar(page: Page, label: string, column: string): Promise<string> {
  const row = page.locator('#bars tbody tr').filter({ has: page.locator('th', { hasText: label }) });
  return (await row.locator(`td.${column} .number`).textContent()) ?? '';
}

/** Drops a file on the page. */
export const drop = (page: Page, name: string, type: string, content: Buffer): Promise<unknown> =>
  page.evaluate(`{
    const bytes = Uint8Array.from(atob('${content.toString('base64')}'), (c) => c.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], '${name}', { type: '${type}' }));
    document.querySelector('#stage').dispatchEvent(
      new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }),
    );
  }`);

/** Problems that axe considers serious or critical. */
export async function seriousOf(page: Page): Promise<string[]> {
  const { violations } = (await page.evaluate('axe.run()')) as {
    violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[];
  };
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`));
}
