// From an open recording to the rows of its timeline, in parts after each of which a run can resume.
import type { DecodedImage } from '../encoders/encoder.js';
import { topOf } from '../recognizer/labels.js';
import { averaged } from '../recognizer/sequence.js';
import { trackFaces } from '../recognizer/tracking.js';
import type { FacePosterior, Probabilities, Recognizer, Result } from '../recognizer/types.js';
import { agreementOf, fuse } from './fuse.js';
import type { Frame, Media } from './media.js';
import { identify, lookOf, type Person } from './people.js';
import { type Said, saidAt } from './spoken.js';

/** What is known of one person at one time of a recording. */
export interface TimelineRow {
  /** Seconds from the beginning of the recording. */
  readonly time: number;
  /**
   * The person's number, from 1 in the order of appearance; null for a voice or words that are assigned to nobody on
   * screen.
   */
  readonly person: number | null;
  /** The face, in pixels of the upright video. */
  readonly box: {
    /** Of its left edge. */
    readonly x: number;
    /** Of its upper edge. */
    readonly y: number;
    /** From its left to its right edge. */
    readonly width: number;
    /** From its upper to its lower edge. */
    readonly height: number;
  } | null;
  /** The most probable label of `fused`. */
  readonly label: string;
  /** Posterior given all that is known. */
  readonly fused: Probabilities;
  /** Posterior of the face, averaged over time. */
  readonly face?: Probabilities;
  /** Posterior of the voice in the utterance at this time. */
  readonly voice?: Probabilities;
  /** Posterior of the words at this time. */
  readonly text?: Probabilities;
  /** The words that are being said at this time. */
  readonly words?: string;
  /** How far face, voice and words agree, from 0 to 1, if there are two of them. */
  readonly agreement?: number;
}

/** Where a run stands: plain data, so that it can be saved. */
export interface WatchState {
  /** The next frame. */
  readonly next: number;
  /** People so far, and those who are remembered. */
  readonly count: number;
  readonly people: readonly Person[];
  /** The averaged posterior of each person's face, and when it was updated. */
  readonly faces: readonly {
    readonly id: number;
    readonly at: number;
    readonly probabilities: Probabilities;
  }[];
}

export const BEGINNING: WatchState = { next: 0, count: 0, people: [], faces: [] };

/** A part of the timeline, and the state after it. */
export interface TimelinePart {
  readonly rows: readonly TimelineRow[];
  readonly state: WatchState;
  /** Cut-out faces of the part, one a person, if asked for: the largest. */
  readonly faces: ReadonlyMap<number, DecodedImage>;
}

export interface TimelineOptions {
  /** Seconds between frames. */
  readonly every: number;
  /** Seconds after which a frame counts half. */
  readonly halfLife: number;
  /** Whether each face's mirror image is read as well. */
  readonly mirror: boolean | undefined;
  /** Whether faces are cut out. */
  readonly thumbnails: boolean;
  readonly signal: AbortSignal | undefined;
}

/** What was said, in the order of time. */
export interface Spoken {
  readonly voices: readonly Said[];
  readonly texts: readonly Said[];
}

/**
 * Frames of a part. Faces are searched for anew at its beginning, so that nothing but `WatchState` passes from one part
 * to the next: a run that was interrupted gives the same rows as one that was not.
 */
const PART = 50;

/** The rows from `state` on. A part ends at a multiple of `PART` frames, and where the recording ends. */
export async function* timelineOf(
  recognizer: Pick<Recognizer, 'recognize' | 'info'>,
  media: Media,
  spoken: Spoken,
  options: TimelineOptions,
  state: WatchState = BEGINNING,
): AsyncGenerator<TimelinePart, void, undefined> {
  const part = startPart(recognizer, media, options);
  const readsFaces = recognizer.info.labels.face !== undefined;
  let current = part(state);
  let rows: TimelineRow[] = [];
  const finish = (): TimelinePart => {
    const { state, crops } = current.end();
    const done = { rows, state, faces: crops };
    [rows, current] = [[], part(state)];
    return done;
  };
  let index = state.next;
  for await (const frame of framesOf(readsFaces ? media : undefined, spoken, options.every, index)) {
    // Sound may extend beyond the last frame.
    for (; index <= frame.index; index++) {
      const time = index * options.every;
      const faces = index === frame.index && frame.image ? await current.see(frame.image, time) : [];
      rows.push(...rowsAt(recognizer.info, time, faces, spoken));
      current.pass(index + 1);
      if ((index + 1) % PART === 0) yield finish();
    }
  }
  yield finish();
}

/** The frames of the recording, and after the last one the times at which something is said. */
async function* framesOf(
  media: Media | undefined,
  { voices, texts }: Spoken,
  every: number,
  from: number,
): AsyncGenerator<Omit<Frame, 'image'> & Partial<Frame>, void, undefined> {
  let next = from;
  if (media?.video)
    for await (const frame of media.frames(every, from)) {
      yield frame;
      next = frame.index + 1;
    }
  const end = Math.max(0, ...[voices, texts].flatMap((said) => said.at(-1)?.end ?? []));
  for (; next * every < end; next++) yield { index: next };
}

/** A person's face in a frame. */
interface Seen {
  readonly person: number;
  readonly box: NonNullable<TimelineRow['box']>;
  readonly probabilities: Probabilities;
}

function startPart(
  recognizer: Pick<Recognizer, 'recognize'>,
  media: Media,
  { halfLife, mirror, thumbnails, signal }: TimelineOptions,
) {
  return (state: WatchState) => {
    const tracker = trackFaces();
    const averages = new Map(state.faces.map(({ id, ...face }) => [id, face]));
    const crops = new Map<number, DecodedImage>();
    let { next, count, people } = state;
    let last: { image: DecodedImage; result: Result } | undefined;
    return {
      async see(image: DecodedImage, time: number): Promise<Seen[]> {
        const at = Math.round(time * 1000);
        if (last?.image !== image) {
          const result = await recognizer.recognize(
            { image },
            { ...tracker.options(at), allFaces: true, mirror, signal },
          );
          last = { image, result };
        }
        const { result } = last;
        tracker.saw(result, at);
        const found = facesOf(result);
        const looks = found.map(({ place }) => ({ box: place!.box, look: lookOf(image, place!.box) }));
        const who = identify(people, looks, time, count);
        ({ people, count } = who);
        const scale = (media.video?.width ?? image.width) / image.width;
        return found.map(({ place, probabilities }, f) => {
          const person = who.ids[f]!;
          const average = averaged(averages.get(person), probabilities, at, halfLife);
          averages.set(person, { at, probabilities: average });
          if (thumbnails) keepLargest(crops, person, cut(image, place!.box));
          return { person, box: scaled(place!.box, scale), probabilities: average };
        });
      },
      pass(index: number): void {
        next = index;
      },
      end(): { state: WatchState; crops: ReadonlyMap<number, DecodedImage> } {
        const faces = people.flatMap(({ id }) => ({ id, ...averages.get(id)! }));
        return { state: { next, count, people, faces }, crops };
      },
    };
  };
}

const facesOf = (result: Result): readonly FacePosterior[] =>
  (result.error || !result.face ? [] : [result.face, ...(result.others ?? [])]).filter(({ place }) => place);

const scaled = ({ x, y, width, height }: Seen['box'], scale: number): Seen['box'] => ({
  x: x * scale,
  y: y * scale,
  width: width * scale,
  height: height * scale,
});

/** Voice and words are assigned to a person if there is only one on screen, otherwise to nobody. */
function rowsAt(
  info: Recognizer['info'],
  time: number,
  faces: readonly Seen[],
  { voices, texts }: Spoken,
): TimelineRow[] {
  const spoken = saidAt(texts, time);
  const said = { voice: saidAt(voices, time)?.probabilities, text: spoken?.probabilities };
  const rowOf = (seen: Seen | undefined, posteriors: Parameters<typeof agreementOf>[0]): TimelineRow[] => {
    const fused = fuse(info, posteriors);
    if (!fused) return [];
    const { face, voice, text } = posteriors;
    const agreement = agreementOf(posteriors);
    return [
      {
        time: rounded(time, 3),
        person: seen?.person ?? null,
        box: seen ? mapped(seen.box, 1) : null,
        label: topOf(fused),
        fused: mapped(fused, 4),
        ...(face ? { face: mapped(face, 4) } : {}),
        ...(voice ? { voice: mapped(voice, 4) } : {}),
        ...(text ? { text: mapped(text, 4) } : {}),
        ...(text && spoken?.words !== undefined ? { words: spoken.words } : {}),
        ...(agreement === undefined ? {} : { agreement: rounded(agreement, 3) }),
      },
    ];
  };
  const [only] = faces;
  if (only && faces.length === 1) return rowOf(only, { face: only.probabilities, ...said });
  const ordered = [...faces].sort((a, b) => a.person - b.person);
  return [...ordered.flatMap((seen) => rowOf(seen, { face: seen.probabilities })), ...rowOf(undefined, said)];
}

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));
const mapped = <T extends object>(values: T, digits: number): T =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, rounded(value as number, digits)]),
  ) as T;

/** The face with some of its surroundings. */
function cut(
  { width, height, data }: DecodedImage,
  { x, y, width: wide, height: high }: Seen['box'],
): DecodedImage {
  const side = Math.max(1, Math.round(1.5 * Math.max(wide, high)));
  const [left, top] = [Math.round(x + wide / 2 - side / 2), Math.round(y + high / 2 - side / 2)];
  const out = new Uint8Array(3 * side * side);
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++) {
      const from = 3 * (clamped(top + row, height) * width + clamped(left + column, width));
      out.set(data.subarray(from, from + 3), 3 * (row * side + column));
    }
  return { width: side, height: side, data: out };
}

const clamped = (at: number, length: number): number => Math.min(length - 1, Math.max(0, at));

function keepLargest(crops: Map<number, DecodedImage>, person: number, crop: DecodedImage): void {
  if (crop.width > (crops.get(person)?.width ?? 0)) crops.set(person, crop);
}
