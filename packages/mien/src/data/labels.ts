// Emotion labels: those of each data set, those they share, and how each file format encodes them.

/** ISEAR's seven labels, alphabetical (Scherer & Wallbott 1994). */
export const TEXT_LABELS = ['anger', 'disgust', 'fear', 'guilt', 'joy', 'sadness', 'shame'] as const;

/** The seven labels of FER2013 and RAF-DB, alphabetical. */
export const FACE_LABELS = ['anger', 'disgust', 'fear', 'joy', 'neutral', 'sadness', 'surprise'] as const;

/** The five labels of both texts and faces, on which fusion is trained. */
export const SHARED_LABELS = ['anger', 'disgust', 'fear', 'joy', 'sadness'] as const;

/** All nine labels: those of faces, guilt and shame. A text encoder trained on several corpora gives these. */
export const ALL_LABELS = [
  'anger',
  'disgust',
  'fear',
  'guilt',
  'joy',
  'neutral',
  'sadness',
  'shame',
  'surprise',
] as const satisfies readonly Label[];

/** A label of a text. */
export type TextLabel = (typeof TEXT_LABELS)[number];
/** A label of a face. */
export type FaceLabel = (typeof FACE_LABELS)[number];
/** A label of both texts and faces. */
export type SharedLabel = (typeof SHARED_LABELS)[number];
/** Any of the nine labels. */
export type Label = TextLabel | FaceLabel;

/** ISEAR's column `EMOT`, 1–7. */
export const ISEAR_NUMBERS: Readonly<Record<string, TextLabel>> = {
  1: 'joy',
  2: 'fear',
  3: 'anger',
  4: 'sadness',
  5: 'disgust',
  6: 'shame',
  7: 'guilt',
};

/** The column `emotion` of `fer2013.csv` and `icml_face_data.csv`, 0–6. */
export const FER2013_NUMBERS: Readonly<Record<string, FaceLabel>> = {
  0: 'anger',
  1: 'disgust',
  2: 'fear',
  3: 'joy',
  4: 'sadness',
  5: 'surprise',
  6: 'neutral',
};

/** Folder names of FER2013 as image files, in lower case, with common spellings. */
export const FER2013_FOLDERS: Readonly<Record<string, FaceLabel>> = {
  angry: 'anger',
  anger: 'anger',
  disgust: 'disgust',
  fear: 'fear',
  happy: 'joy',
  sad: 'sadness',
  surprise: 'surprise',
  neutral: 'neutral',
};

/** RAF-DB's numbers, in `list_patition_label.txt`, in the label tables and as folder names. */
export const RAFDB_NUMBERS: Readonly<Record<string, FaceLabel>> = {
  1: 'surprise',
  2: 'fear',
  3: 'disgust',
  4: 'joy',
  5: 'sadness',
  6: 'anger',
  7: 'neutral',
};

export const isTextLabel = (name: string): name is TextLabel =>
  (TEXT_LABELS as readonly string[]).includes(name);
export const isFaceLabel = (name: string): name is FaceLabel =>
  (FACE_LABELS as readonly string[]).includes(name);
export const isLabel = (name: string): name is Label => (ALL_LABELS as readonly string[]).includes(name);
export const isSharedLabel = (name: string): name is SharedLabel =>
  (SHARED_LABELS as readonly string[]).includes(name);

/**
 * The labels of the joint answer: those that all modalities share, or the labels of the only one; of texts and faces the
 * fusion's if there is one.
 */
export function labelsInCommon({
  fused,
  fine: _fine,
  ...own
}: {
  readonly [kind: string]: readonly string[] | undefined;
}): readonly string[] {
  const lists = Object.entries(own).flatMap(([name, labels]) =>
    labels && !(fused && (name === 'text' || name === 'face')) ? [labels] : [],
  );
  const [first = [], ...rest] = fused ? [fused, ...lists] : lists;
  return first.filter((label) => rest.every((labels) => labels.includes(label)));
}
