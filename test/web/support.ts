// A real browser for tests: finds Chromium, builds the page with a small model, films a photograph.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { serve } from '@hono/node-server';
import { serveStatic } from '@hono/node-server/serve-static';
import { Hono } from 'hono';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import sharp from 'sharp';
import { writeLegible } from '../support/bundle.js';

const root = join(import.meta.dirname, '../..');

/** Someone who looks into the camera: Eileen Collins, photographed by NASA (public domain). */
export const PHOTOGRAPH = join(root, 'test/fixtures/astronaut.png');

export const CHROMIUM = [process.env['MIEN_CHROMIUM'], '/usr/bin/chromium'].find(
  (path) => path !== undefined && existsSync(path),
);

/** Why browser tests are left out, for their title; empty where they are not. */
export const WITHOUT_CHROMIUM = CHROMIUM
  ? ''
  : ' (skipped: no Chromium; name one with MIEN_CHROMIUM, or install Debian’s)';

/** WebGPU computed by the processor, where there is no graphics processor. */
export const SOFTWARE_WEBGPU = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan',
];

/** One compiler for WebAssembly, the quick one: what the other makes of it pays in pages that live longer. */
const QUICK = '--js-flags=--liftoff-only';

/** Chromium for tests. */
export const launch = (args: readonly string[] = []): Promise<Browser> => launchAsVisited([QUICK, ...args]);

/** Chromium as visitors of a page have it, for benchmarks. */
export async function launchAsVisited(args: readonly string[] = []): Promise<Browser> {
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: CHROMIUM!, args: [...sandbox, ...args], timeout: 120_000 });
}

export async function temporaryFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'mien-web-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Runs Vite in a process of its own, since Vitest has this one set up for tests. */
export async function buildWith(
  project: string,
  outDir: string,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const vite = join(root, 'node_modules/vite/bin/vite.js');
  const args = [vite, 'build', project, '--outDir', outDir, '--emptyOutDir', '--logLevel', 'error'];
  await promisify(execFile)(process.execPath, args, {
    cwd: root,
    env: { ...process.env, NODE_ENV: 'production', ...env },
  });
}

/** Builds the page with a bundle whose answers can be told beforehand. */
export async function buildPage(
  folder: string,
  write: (folder: string) => Promise<unknown> = writeLegible,
): Promise<{ page: string; model: string }> {
  const [page, model] = [join(folder, 'page'), join(folder, 'model')];
  await write(model);
  await buildWith('web', page, { MIEN_BUNDLE: model });
  return { page, model };
}

/**
 * A film for Chromium's fake camera: the photograph, panned over by `step` of 400 pixels a frame. Returns its first frame.
 */
export async function filmOf(file: string, step = 6): Promise<Buffer> {
  const frames: Buffer[] = [];
  for (let i = 0; i < 4; i++)
    frames.push(
      await sharp(PHOTOGRAPH)
        .extract({ left: 40 + step * i, top: 0, width: 400, height: 300 })
        .resize(640, 480)
        .jpeg({ quality: 92 })
        .toBuffer(),
    );
  await writeFile(file, Buffer.concat(frames));
  return frames[0]!;
}

export const fakeCamera = (film: string): string[] => [
  '--use-fake-device-for-media-stream',
  `--use-file-for-fake-video-capture=${film}`,
];

/** What Chromium's fake microphone hears, again and again; it is allowed to whoever is granted it. */
export const fakeMicrophone = (wav: string): string[] => [
  '--use-fake-device-for-media-stream',
  `--use-file-for-fake-audio-capture=${wav}`,
];

/** A page that fails a test when it throws, complains, or asks for anything from elsewhere. */
export async function openPage(
  context: BrowserContext,
  url: string,
): Promise<{ page: Page; problems: string[] }> {
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('pageerror', ({ message }) => problems.push(message));
  page.on('console', (message) => {
    // Chromium remarks on machines without a graphics processor when a page asks for one.
    if (message.text() === 'No available adapters.') return;
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
  });
  context.on('request', (request) => {
    const { protocol, host } = new URL(request.url());
    if (/^https?:$/.test(protocol) && host !== new URL(url).host)
      problems.push(`a request to ${request.url()}`);
  });
  await page.goto(url);
  return { page, problems };
}

/** What a network that wants a login answers with, for whatever is asked. */
const PORTAL = '<!DOCTYPE html><title>Log in to the network</title>';

export interface Host {
  readonly url: string;
  /** Paths that a captive portal answers in the host's place; none at first. */
  captured: RegExp | undefined;
  close(): Promise<void>;
}

/** A host that only hands out files, from a folder of its site. */
export async function servePlainly(folder: string, path: string): Promise<Host> {
  const app = new Hono();
  let host: Host;
  app.use('*', (c, next) => (host.captured?.test(c.req.path) ? Promise.resolve(c.html(PORTAL)) : next()));
  app.use(
    `${path}/*`,
    serveStatic({ root: folder, rewriteRequestPath: (given) => given.slice(path.length) }),
  );
  return new Promise((resolve) => {
    const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => {
      host = {
        url: `http://localhost:${port}/`,
        captured: undefined,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            if ('closeAllConnections' in server) server.closeAllConnections();
          }),
      };
      resolve(host);
    });
  });
}
