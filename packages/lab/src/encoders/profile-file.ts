// Finds the profile a user names: one of the built-in ones, or a YAML or JSON file that describes another.
import { parse } from 'yaml';
import { z } from 'zod';
import { MienError, suggestion } from 'mien-engine/base';
import { readText } from 'mien-engine/node';
import { PROFILE_NAMES, profiles, type Profile } from './profiles.js';

const pretrained = {
  id: z.string().regex(/^[\w.-]+\/[\w.-]+$/, 'must be a hub id, org/name'),
  revision: z.string().min(1).default('main'),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits')
    .optional(),
  folder: z.string().min(1).optional(),
};

const schema = z.strictObject({
  text: z.strictObject({
    ...pretrained,
    pooling: z.enum(['cls', 'mean']),
    maxTokens: z.int().min(3).default(128),
  }),
  face: z.strictObject({
    ...pretrained,
    imageSize: z.union([z.literal('published'), z.int().min(32)]).default('published'),
    mirror: z.boolean().default(false),
  }),
});

/**
 * The profile of this name, or of the file at this path (`.yaml`, `.yml` or `.json`).
 * @throws MienError `usage` for a name that is not known, `file`, `format` or `config` for a file that cannot be used.
 */
export async function findProfile(name: string): Promise<Profile> {
  const known = PROFILE_NAMES.find((candidate) => candidate === name);
  if (known !== undefined) return profiles[known];
  if (!/\.(ya?ml|json)$/.test(name))
    throw new MienError('usage', `"${name}" is no profile`, {
      hint: `${suggestion(name, PROFILE_NAMES)} A profile of your own is a file: --profile mine.yaml`,
    });
  const text = await readText(name);
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw new MienError('format', `is not YAML or JSON: ${(cause as Error).message}`, { file: name, cause });
  }
  const result = schema.safeParse(value);
  if (!result.success) {
    const issue = result.error.issues[0]!;
    const field = [...issue.path, ...(issue.code === 'unrecognized_keys' ? issue.keys : [])].join('.');
    throw new MienError('config', issue.message, { file: name, ...(field ? { field } : {}) });
  }
  return result.data as Profile;
}
