// How items of a modality are made worse by degrees: what a fusion is trained on and measured with, to see whom it then
// believes. Each modality says its own ways (text.ts, face.ts, voice.ts); `list.ts` has them all.
import { MienError, type RandomStream } from 'mien-engine/base';

/** One way to make an item worse. */
export interface Corruption<Item, Others> {
  /** What its level measures, as a share. */
  readonly unit: string;
  /** The level at which next to nothing can be recognised. */
  readonly worst: number;
  /** Levels at which bundles are measured. */
  readonly levels: readonly number[];
  /** Never called for level 0. With the same stream, a higher level takes the same and more. */
  apply(item: Item, level: number, draw: RandomStream, others: Others): Item;
}

/** How items of one modality are made worse. */
export interface ModalityCorruptions<Item = unknown, Others = unknown, Kind extends string = string> {
  /** In the order in which they are drawn. */
  readonly kinds: Readonly<Record<Kind, Corruption<Item, Others>>>;
  /** What corruptions take from the other items. */
  othersOf(items: readonly Item[]): Others;
  /** What all its levels are, in the card. */
  readonly note: string;
}

/** The kinds of a modality's corruptions, in their order. */
export const kindsOf = <Kind extends string>(corruptions: {
  readonly kinds: Readonly<Record<Kind, unknown>>;
}): Kind[] => Object.keys(corruptions.kinds) as Kind[];

/** Every kind of a modality's corruptions at each of the levels at which bundles are measured. */
export const degreesOf = <Kind extends string>(corruptions: {
  readonly kinds: Readonly<Record<Kind, { readonly levels: readonly number[] }>>;
}): { readonly as: Kind; readonly level: number }[] =>
  kindsOf(corruptions).flatMap((as) => corruptions.kinds[as].levels.map((level) => ({ as, level })));

/**
 * An item made worse in one way; at level 0 it is as it was.
 * @throws MienError `usage` when the level is not a share from 0 to 1, or the others lack what the kind takes from them.
 */
export function corrupt<Item, Others, Kind extends string>(
  { kinds }: ModalityCorruptions<Item, Others, Kind>,
  item: Item,
  kind: NoInfer<Kind>,
  level: number,
  draw: RandomStream,
  others: Others,
): Item {
  if (!(level >= 0 && level <= 1))
    throw new MienError('usage', `the level of "${kind}" must be from 0 to 1; got ${level}`);
  return level === 0 ? item : kinds[kind].apply(item, level, draw, others);
}

/** An item made worse in a way that is drawn, to a level between none and the kind's worst. */
export function corruptByChance<Item, Others, Kind extends string>(
  corruptions: ModalityCorruptions<Item, Others, Kind>,
  item: Item,
  draw: RandomStream,
  others: Others,
): Item {
  const kinds = kindsOf(corruptions);
  const kind = kinds[draw.integer(kinds.length)]!;
  return corrupt(corruptions, item, kind, corruptions.kinds[kind].worst * draw.uniform(), draw, others);
}
