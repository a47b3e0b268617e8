// A bundle in a folder: written file by file with the manifest last, read only when every file is the one it names.
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MienError } from 'mien-engine/base';
import { fileError, readJson, sha256, writeFileAtomic } from 'mien-engine/node';
import { checkManifest, MANIFEST_NAME, optionalFiles, type BundleManifest } from './manifest.js';

export interface BundleFolder {
  readonly manifest: BundleManifest;
  /** Bytes of the files, by name. */
  readonly files: Readonly<Record<string, Uint8Array>>;
}

/**
 * Reads a bundle and checks it whole, but for those files that it may lack; files that are not wanted are only looked for,
 * and read by `readBundleFile`.
 * @throws MienError `bundle` that names a file which is missing, changed or foreign; `file` and `format` when the
 *   manifest cannot be read.
 */
export async function readBundle(
  folder: string,
  isWanted: (manifest: BundleManifest, name: string) => boolean = () => true,
): Promise<BundleFolder> {
  const path = join(folder, MANIFEST_NAME);
  const manifest = checkManifest(await readJson(path), path);
  const found = await readdir(folder);
  const foreign = found.find((name) => name !== MANIFEST_NAME && !(name in manifest.files));
  if (foreign !== undefined)
    throw new MienError('bundle', 'is not part of the bundle', {
      file: join(folder, foreign),
      hint: `Remove it, or name it in ${MANIFEST_NAME}.`,
    });
  const files: Record<string, Uint8Array> = {};
  for (const name of Object.keys(manifest.files)) {
    if (!found.includes(name) && optionalFiles(manifest).includes(name)) continue;
    if (!found.includes(name))
      throw new MienError('bundle', 'is missing from the bundle', {
        file: join(folder, name),
        hint: 'Fetch the bundle again.',
      });
    if (isWanted(manifest, name)) files[name] = await readBundleFile(folder, manifest, name);
  }
  return { manifest, files };
}

/** A file of a bundle. @throws MienError `bundle` if it is not the one of the manifest, `file` if it cannot be read. */
export async function readBundleFile(
  folder: string,
  { files }: BundleManifest,
  name: string,
): Promise<Uint8Array> {
  const file = join(folder, name);
  const content = await readFile(file).catch((cause: unknown) => {
    throw fileError('read', file, cause);
  });
  if (content.length !== files[name]?.bytes || sha256(content) !== files[name].sha256)
    throw new MienError('bundle', 'is not the file that the bundle was made with', {
      file,
      hint: 'Fetch the bundle again.',
    });
  return content;
}

/** Writes a bundle; files of an earlier one that are not part of this one are removed. */
export async function writeBundle(
  folder: string,
  manifest: Omit<BundleManifest, 'files'>,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<BundleManifest> {
  const described = Object.fromEntries(
    Object.entries(files).map(([name, content]) => [
      name,
      { sha256: sha256(content), bytes: Buffer.byteLength(content) },
    ]),
  );
  const whole: BundleManifest = { ...manifest, files: described };
  // Without a manifest there is no bundle: a folder half-way between two is never taken for one.
  await rm(join(folder, MANIFEST_NAME), { force: true });
  for (const [name, content] of Object.entries(files)) await writeFileAtomic(join(folder, name), content);
  const older = (await readdir(folder)).filter((name) => !(name in files));
  for (const name of older) await rm(join(folder, name), { recursive: true, force: true });
  await writeFileAtomic(join(folder, MANIFEST_NAME), `${JSON.stringify(whole, null, 2)}\n`);
  return whole;
}
