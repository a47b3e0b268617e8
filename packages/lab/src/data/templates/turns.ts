// Templates in which the emotion named last counts (contrasts) or none of those named (sarcasm), and of surprise.
import type { Label } from 'mien/parts/data';
import type { Template } from './negation.js';

const NOW = ['anger', 'disgust', 'fear', 'joy', 'sadness'] as const;

/** From one emotion to another: the later one counts. */
const turned = (before: Label, after: (typeof NOW)[number]): Template => ({
  labels: [after],
  texts:
    before === 'neutral'
      ? []
      : [
          `I used to be {feel:${before}}, now I’m {feel:${after}}.`,
          `At first I was {feel:${before}}, but in the end I was {feel:${after}}.`,
          `A year ago I was {feel:${before}}; today I am {feel:${after}}.`,
          `I was {feel:${before}} yesterday. Today I’m just {feel:${after}}.`,
          `I should be {feel:${before}}, but I’m {feel:${after}}.`,
          `Everyone else was {feel:${before}}, I was {feel:${after}}.`,
          `Before {event} I was {feel:${before}}, afterwards {feel:${after}}.`,
          `My {noun:${before}} turned into {noun:${after}}.`,
        ],
});

export const CONTRAST: readonly Template[] = [
  ...NOW.flatMap((after) =>
    (['anger', 'fear', 'guilt', 'joy', 'sadness', 'shame'] as const)
      .filter((before) => before !== after)
      .map((before) => turned(before, after)),
  ),
  {
    labels: ['joy'],
    texts: [
      'Last year {event:sadness}, but today {event:joy}.',
      'The first day was awful, but now I love it here.',
      'It rained all morning, then the sun came out and we had a wonderful day.',
      'I was trembling before {event}, and then it was the best day of my life.',
      'We thought we had lost, and then {event:joy}!',
      'For weeks I cried, and now I can laugh again.',
      'Dogs used to make me run, today I own two and adore them.',
      'I hated {subject} at school, now I can’t get enough of it.',
      'It looked hopeless, but {event:joy}.',
    ],
  },
  {
    labels: ['sadness'],
    texts: [
      'I loved that town once; now only memories are left and I miss it.',
      'Everything was perfect until {event:sadness}.',
      'We laughed so much back then. Now nobody calls.',
      'Yesterday {event:joy}, but today {event:sadness}.',
      'The house was once full of children, now it is empty and quiet.',
      'The holiday was wonderful, coming home to nobody is not.',
    ],
  },
  {
    labels: ['anger'],
    texts: [
      'I was patient at first, now I’ve had enough.',
      'He was my friend, until {event:anger}.',
      'I liked the company once, now {event:anger}.',
      'The service was good before; today {event:anger}.',
    ],
  },
  {
    labels: ['disgust'],
    texts: [
      'It tasted good until I saw the worm in it.',
      'The hotel looked lovely, until {event:disgust}.',
      'I used to like his cooking, now I know how dirty his kitchen is and feel sick.',
    ],
  },
  {
    labels: ['fear'],
    texts: [
      'It was a quiet evening, until {event:fear}.',
      'I felt safe here for years, now I lock the door three times.',
      'I was never afraid of flying, but then {event:fear}.',
    ],
  },
];

const SOURED = [
  'Great, yet another {day} like this.',
  'Great, {event:anger}.',
  'Wonderful, {event:anger}. Just wonderful.',
  'Oh how lovely, {event:anger}.',
  'Fantastic. The {thing} is broken again.',
  'Oh great, the {transport} is late again.',
  'Just what I needed: a flat tyre.',
  'Just what I wanted, more work on {day}.',
  'Thanks for nothing.',
  'Thanks a lot for ruining my {thing}.',
  'Well done, you broke the {thing}.',
  'Congratulations, you lost my {document} again.',
  'I just love it when {event:anger}.',
  'I love waiting {number} hours on the phone.',
  'Oh sure, blame me. I’m always the one.',
  'Brilliant idea, leaving the {thing} in the rain.',
  'Nice job forgetting {event}, genius.',
  'How nice of you to cancel {number} minutes before.',
  'What a great service: {number} weeks and still no {document}.',
  'Because what I really needed was a broken {thing}.',
  'A bill of {digits} euros, how welcome.',
  'Of course the {transport} is cancelled. Why wouldn’t it be.',
  'Yeah right, as if they would ever pay it back.',
  'Perfect timing, as always. The {thing} died.',
  'Oh joy, {number} more hours of {subject}.',
  'More overtime. Fantastic.',
  'Lovely, the {thing} leaks too.',
];

export const SARCASM: readonly Template[] = [
  { labels: ['anger', 'sadness'], texts: SOURED },
  {
    labels: ['disgust'],
    texts: [
      'Delicious, a hair in my soup.',
      'Yum, mouldy {food}. My favourite.',
      'Lovely, {event:disgust}. How appetising.',
      'How charming, {event:disgust}.',
    ],
  },
  {
    labels: ['sadness'],
    texts: [
      'Lovely, rain on the only free day I had.',
      'Alone on my birthday, what a party.',
      'Oh good, everyone is invited but me.',
      'So much fun to be ill on my birthday.',
    ],
  },
  // Sincere praise, so that praise alone is not taken for sarcasm.
  {
    labels: ['joy'],
    texts: [
      'Great, {event:joy}!',
      'Wonderful news: {event:joy}!',
      'Thanks so much for the {thing}, I love it.',
      'Well done, you deserve it!',
      'Congratulations, {name}! I’m so proud of you.',
      'What a great evening with {people}.',
      'I just love it when {event:joy}.',
      'Fantastic, we did it!',
      'Lovely to see you again.',
    ],
  },
];

export const SURPRISE: readonly Template[] = [
  {
    labels: ['surprise'],
    texts: [
      'Wow, {event:surprise}!',
      'What?! {event:surprise}?',
      'No way, {event:surprise}!',
      'I can’t believe it, {event:surprise}.',
      'I can’t believe {event:surprise}!',
      'You won’t believe this: {event:surprise}.',
      'Out of nowhere, {event:surprise}.',
      'To my surprise {event:surprise}.',
      'Who would have thought that {event:surprise}?',
      'I never expected that {event:surprise}.',
      'All of a sudden {event:surprise}.',
      'Wait, what? {event:surprise}?',
      'Huh, {event:surprise}.',
      'Oh! {event:surprise}.',
      'Really? {event:surprise}?',
      'Good heavens, {event:surprise}!',
      'I had no idea that {event:surprise}.',
      'I’m {feel:surprise}.',
      '{person} was {feel:surprise}.',
      'I was {feel:surprise} to see {person} there.',
      'It {affects:surprise} me to see {person} in {city}.',
      'The last thing I expected was {person} at the door.',
      'Where did {name} come from all at once?',
      'Turns out {event:surprise}.',
      'Since when do you speak Japanese?!',
      'A {animal} in {place}?! That’s new.',
      '{animal}s can do that? I didn’t know!',
      'I did a double take: {event:surprise}.',
      'My jaw dropped when {event:surprise}.',
      'Well, I didn’t see that coming.',
      'That was unexpected.',
      'Whoa, look at the size of that {thing}!',
      'Hang on, the {thing} was here a second ago!',
      'How on earth did the {thing} get in here?',
    ],
  },
  {
    labels: ['joy', 'surprise'],
    texts: [
      'I can’t believe {event:joy}!',
      'Wow, {event:joy}! I never thought it would happen.',
      'No way, {event:joy}?!',
      'OMG {event:joy}!',
      'I never expected it, but {event:joy}!',
      'I can’t believe he won a car in the raffle!',
      'They threw me a surprise party, I had no idea!',
      'Out of the blue {person} sent me flowers!',
    ],
  },
  {
    labels: ['sadness', 'surprise'],
    texts: ['I can’t believe {event:sadness}.', 'All at once {event:sadness}, nobody saw it coming.'],
  },
  {
    labels: ['anger', 'surprise'],
    texts: ['I can’t believe {event:anger}!', 'What?! {event:anger}? Are you serious?'],
  },
  {
    labels: ['fear', 'surprise'],
    texts: ['Suddenly {event:fear}!', 'Oh my god, {event:fear}!', 'Out of nowhere {event:fear}.'],
  },
];
