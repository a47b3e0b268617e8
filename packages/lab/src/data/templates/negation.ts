// Templates of negation: a denied emotion is not felt, except where the negation is emphasis.
import type { Label } from 'mien/parts/data';

export interface Template {
  /** Several labels share the target probability. */
  readonly labels: readonly Label[];
  readonly texts: readonly string[];
}

const NEGATIVE = ['anger', 'disgust', 'fear', 'guilt', 'sadness', 'shame'] as const;

const VISIBLE = ['anger', 'disgust', 'fear', 'sadness', 'shame'] as const;

/** The visible signs of an emotion, denied or emphasised. */
const unseen = (label: (typeof VISIBLE)[number]): Template[] => [
  {
    labels: ['neutral'],
    texts: [
      `Nobody was {shows:${label}}.`,
      `I’m not {shows:${label}} about it.`,
      `She wasn’t {shows:${label}}, she just sat there and read.`,
      `There was no {shows:${label}} this time.`,
      `You will not find me {shows:${label}} over {event}.`,
      `It hardly had anyone {shows:${label}}.`,
    ],
  },
  {
    labels: [label],
    texts: [
      `I was {shows:${label}} when I heard it.`,
      `I can’t stop {shows:${label}}.`,
      `I spent the night {shows:${label}}.`,
      `For days now I have been {shows:${label}}.`,
    ],
  },
];

/** A denied negative emotion leaves a neutral text. */
const denied = (label: (typeof NEGATIVE)[number]): Template[] => [
  {
    labels: ['neutral'],
    texts: [
      `I’m not {feel:${label}}.`,
      `I am not {feel:${label}}, only busy.`,
      `I’m not {feel:${label}}, I only wanted to ask.`,
      `I wasn’t {feel:${label}} at all.`,
      `{name} isn’t {feel:${label}}.`,
      `{person} was not {feel:${label}} about it.`,
      `Nobody is {feel:${label}} here.`,
      `None of us was {feel:${label}}.`,
      `Am I {feel:${label}}? Not really.`,
      `Am I {feel:${label}} about it? No. I just don’t agree.`,
      `I don’t feel {feel:${label}} about that.`,
      `There is no reason to be {feel:${label}}.`,
      `I see no cause for {noun:${label}}.`,
      `I felt no {noun:${label}} whatsoever.`,
      `He spoke without {noun:${label}}.`,
      `It was hardly a matter of {noun:${label}}.`,
      `Why would I be {feel:${label}}? It’s fine.`,
      `Don’t think I’m {feel:${label}}, I’m fine.`,
      `They said {person} was {feel:${label}}, but that’s not true.`,
      `I could be {feel:${label}} but I’m not.`,
    ],
  },
  {
    labels: ['joy', 'neutral'],
    texts: [
      `I’m not {feel:${label}} any more.`,
      `I am no longer {feel:${label}}.`,
      `With no {noun:${label}} left she walked on.`,
      `There is nothing to be {feel:${label}} about any more.`,
      `For once I did not feel {feel:${label}}.`,
    ],
  },
  {
    labels: ['joy'],
    texts: [
      `{feel:${label}}? Me? I’ve never felt better.`,
      `I’m not {feel:${label}}, I’m {feel:joy}!`,
      `{people} were anything but {feel:${label}}: they were {feel:joy}.`,
      `I thought I’d be {feel:${label}}, but I’m {feel:joy}.`,
    ],
  },
  {
    labels: [label],
    texts: [
      `I have never been so {feel:${label}}.`,
      `I couldn’t be more {feel:${label}}.`,
      `I can’t tell you how {feel:${label}} I am.`,
      `I’m not just a bit upset, I’m {feel:${label}}.`,
      `I can’t stop being {feel:${label}}.`,
      `It’s no joke, I’m really {feel:${label}}.`,
      `I’m {feel:${label}}, not {feel:joy}.`,
    ],
  },
];

export const NEGATION: readonly Template[] = [
  ...NEGATIVE.flatMap(denied),
  ...VISIBLE.flatMap(unseen),
  {
    labels: ['sadness'],
    texts: [
      'Nobody was {shows:joy} that evening.',
      'I haven’t seen her {shows:joy} since spring.',
      'Nothing gets {person} {shows:joy} any more.',
      'It is long since anyone was {shows:joy} here.',
      'There is little to be {feel:joy} about.',
      'The evening had no {noun:joy} in it.',
      '{event} was short of {noun:joy}.',
      'We are lacking {noun:joy} at home.',
      'I get no {noun:joy} out of it.',
      'Neither the cake nor the music made me {feel:joy}.',
    ],
  },
  {
    labels: ['joy'],
    texts: [
      'I can’t stop {shows:joy}!',
      'We were {shows:joy} all evening.',
      '{people} have been {shows:joy} since the news came.',
      'I caught myself {shows:joy} in the street.',
      'No more {shows:sadness}, from now on we celebrate!',
      'Neither rain nor cold could spoil our {noun:joy}.',
    ],
  },
  {
    labels: ['joy', 'neutral'],
    texts: [
      'Neither of them feels {noun:guilt} for it.',
      '{name} and I don’t regret a thing.',
      'We never regretted moving to {city}.',
      'I have nothing to be ashamed of.',
      'I’m over it, it doesn’t hurt any more.',
      'There is nothing to worry about.',
      'Nothing bad happened in the end.',
      '{event} was less frightening than I had thought.',
      'I walked through the dark park and felt no {noun:fear}.',
    ],
  },
  {
    labels: ['sadness', 'anger'],
    texts: [
      'I’m not {feel:joy} about this.',
      'I am not {feel:joy} at all.',
      'I’m anything but {feel:joy}.',
      'I was far from {feel:joy}.',
      'None of us is {feel:joy} with it.',
      'This didn’t make me {feel:joy}.',
      'It doesn’t make anyone {feel:joy}.',
      'I wouldn’t say I’m {feel:joy}.',
      '{people} were not {feel:joy}.',
      '{person} is not {feel:joy} with the result.',
      'I can’t be {feel:joy} about it.',
    ],
  },
  {
    labels: ['sadness'],
    texts: [
      'Nothing makes me {feel:joy} these days.',
      'I don’t feel {feel:joy} any more.',
      'I haven’t been {feel:joy} in months.',
      'I can’t remember when I was last {feel:joy}.',
      'There was no {noun:joy} in it for me.',
      'The evening was without any {noun:joy}.',
      'Nobody was {feel:joy} for me.',
      'I hardly ever feel {feel:joy} lately.',
      'I find no {noun:joy} in anything.',
      'I barely smile any more.',
      'I don’t enjoy anything now.',
      'It was no fun at all.',
      'I rarely laugh since then.',
      'I’m not okay.',
      'I don’t think I can go on like this.',
      'It isn’t the same without you.',
      'I wish I were {feel:joy}, but I’m not.',
    ],
  },
  {
    labels: ['anger'],
    texts: [
      '{person} was anything but {feel:joy} and slammed the door.',
      'Instead of being {feel:joy}, {people} complained to the manager.',
      'I will not put up with this.',
      'Don’t you ever do that again.',
      'You never listen to me.',
      'He didn’t even apologise for what he did.',
      'This is not acceptable.',
      'I won’t forgive you for that.',
      'They didn’t even bother to answer.',
    ],
  },
  {
    labels: ['disgust'],
    texts: [
      'I’m not going to touch that, it stinks.',
      'I can’t even look at it without gagging.',
      'No way am I eating that, it’s slimy.',
      'That is not clean, that’s filthy.',
    ],
  },
  {
    labels: ['fear'],
    texts: [
      'I don’t dare to open the door.',
      'I can’t breathe when I think of it.',
      'I can’t sleep for {noun:fear}.',
    ],
  },
  {
    labels: ['neutral'],
    texts: [
      'I wasn’t {feel:surprise} at all.',
      'It came as no surprise.',
      'That did not surprise anyone.',
      'Nobody was {feel:surprise}, it had been announced.',
      'I can’t say I’m {feel:surprise}.',
      'We had expected it, so there was no {noun:surprise}.',
      'The news was no surprise to {people}.',
      'I’m neither {feel:joy} nor {feel:sadness}.',
      'It is neither good nor bad.',
      'I don’t mind either way.',
      'I have no strong feelings about it.',
      'I don’t care which one we take.',
      'Spiders? They don’t bother me.',
      'Heights don’t frighten me.',
      'Blood doesn’t bother me.',
      'The smell doesn’t bother me.',
      'I don’t regret it.',
      'No one is to blame.',
      'We have nothing to apologise for.',
    ],
  },
  {
    labels: ['joy'],
    texts: [
      'I couldn’t be happier.',
      'I couldn’t be more {feel:joy}.',
      'I can’t wait for {event}!',
      'I can’t wait to see {person}!',
      'I can’t stop smiling.',
      'I’ve never been so {feel:joy}!',
      'Not bad at all!',
      'It doesn’t get any better than this.',
      'Nothing can spoil my mood today.',
      'I wouldn’t change a thing.',
      'I have no complaints, it was lovely.',
      'I haven’t laughed like this in years.',
      'Never a dull moment with you.',
      'There is nothing I’d rather do.',
      'I’m not sad it’s over, I’m {feel:joy} it happened.',
      'We didn’t lose a single game!',
    ],
  },
];
