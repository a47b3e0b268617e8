// Loads the commands of mien-lab if that package is installed; otherwise stand-ins say what to install.
import type { Command } from 'commander';
import { MienError } from 'mien-engine/base';

/** Adds a command to the program. */
export type DefineCommand = (program: Command) => void;

/** A constant, so that compilers and bundlers do not resolve a package that mien does not depend on. */
const MODULE = 'mien-lab/cli';

const COMMANDS: Readonly<Record<string, string>> = {
  reproduce: 'run the paper’s experiment and print its tables beside the paper’s figures',
  report: 'write an HTML report of an experiment',
  data: 'show what the data sets hold, what is dropped and why',
  extract: 'embed the data sets into feature stores',
  pack: 'reduce features to a few megabytes without text, image or file name',
  learn: 'train an encoder on the data sets',
  export: 'make a bundle of learned encoders',
  compare: 'compare fusion heads on tokens and regions of learned encoders',
  train: 'train on data of your own: a table of texts, images and labels becomes a bundle',
};

/** Stand-ins that only say what to install. */
export const absentLaboratory: readonly DefineCommand[] = Object.entries(COMMANDS).map(
  ([name, description]) =>
    (program) =>
      program
        .command(name)
        .description(`${description} (needs mien-lab)`)
        .argument('[arguments...]')
        .allowUnknownOption()
        .action(() => {
          throw new MienError('usage', `${name} is a command of mien-lab, which is not installed`, {
            hint: 'Install it with `npm install mien-lab`.',
          });
        }),
);

/** The commands of mien-lab; undefined if it is not installed. */
export async function loadLaboratory(): Promise<readonly DefineCommand[] | undefined> {
  try {
    return ((await import(MODULE)) as { commands: readonly DefineCommand[] }).commands;
  } catch (error) {
    // Any other failure, such as a missing dependency of mien-lab, is reported.
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_MODULE_NOT_FOUND' && message.includes("'mien-lab'")) return undefined;
    throw error;
  }
}
