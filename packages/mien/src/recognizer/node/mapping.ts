// Mappings from the labels of a user's data to those of the model.
import { parse } from 'yaml';
import { z } from 'zod';
import { messageOf, MienError } from 'mien-engine/base';
import { readText } from 'mien-engine/node';
import { checkData } from '../../base/check-data.js';

const schema = z.record(z.string(), z.string().min(1).nullable());

/** A mapping of labels: unmapped labels are unchanged; rows whose label is mapped to null are left out. */
export interface LabelMapping {
  readonly names: readonly string[];
  of(label: string): string | null;
}

/**
 * Reads a mapping, YAML or JSON: `happy: joy`, or `boredom: null` to leave rows out.
 * @throws MienError `config` if the file is not a mapping, `file` if it cannot be read.
 */
export async function readMapping(file: string): Promise<LabelMapping> {
  const text = await readText(file);
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    const [reason = ''] = messageOf(cause).split('\n');
    throw new MienError('config', `is neither YAML nor JSON (${reason})`, {
      file,
      cause,
    });
  }
  const labels = checkData(schema, value, {
    code: 'config',
    file,
    fault: 'is not a mapping of labels',
    hint: 'Write one line per label, for instance "happy: joy", or "boredom: null" to leave its rows out.',
  });
  const mapping = new Map(Object.entries(labels));
  return {
    names: [...mapping.keys()],
    of(label) {
      const found = mapping.get(label);
      return found === undefined ? label : found;
    },
  };
}
