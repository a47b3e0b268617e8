// The words that fill templates: people, places, things, and how each emotion is named and expressed.
import type { Label } from 'mien/parts/data';

const list = (text: string): readonly string[] => text.split('|').map((word) => word.trim());

/** Slots without emotion. */
export const SLOTS: Readonly<Record<string, readonly string[]>> = {
  name: list(
    'Anna|Peter|Maria|Tom|Lisa|Paul|Sara|Ben|Emma|Jonas|Nina|Omar|Yuki|Carlos|Priya|Leo|Grace|Ivan|Mei|Sam',
  ),
  person: list(
    'my brother|my sister|my boss|our neighbour|my friend|my mother|my father|the teacher|my colleague|my cousin|' +
      'my roommate|the landlord|my aunt|my uncle|the driver|a classmate|my wife|my husband|our guest|the doctor',
  ),
  people: list(
    'the kids|my parents|our neighbours|the players|my friends|the students|both of them|the others|they',
  ),
  place: list(
    'the station|the library|the kitchen|the office|the market|the park|the museum|the garage|the school|the harbour|' +
      'the bakery|the airport|the basement|the gym|the hall|the post office|the hotel|the clinic|the bank|the pharmacy',
  ),
  city: list(
    'Vienna|Oslo|Lima|Boston|Leeds|Porto|Kyoto|Nairobi|Toronto|Lyon|Krakow|Dublin|Perth|Ghent|Quito',
  ),
  thing: list(
    'table|lamp|printer|bottle|box|chair|umbrella|notebook|ladder|kettle|bicycle|screen|carpet|window|shelf|bucket|' +
      'drawer|key|phone|camera|jacket|cable|towel|suitcase|mirror|pencil|blanket|radiator|toaster|basket',
  ),
  document: list(
    'report|form|invoice|list|contract|letter|manual|timetable|summary|map|receipt|questionnaire|file',
  ),
  colour: list('red|blue|green|white|black|grey|yellow|brown|orange|silver'),
  material: list('wood|steel|glass|plastic|cotton|leather|stone|paper|wool|aluminium'),
  food: list(
    'bread|rice|soup|pasta|an apple|tea|coffee|cheese|salad|an omelette|porridge|potatoes|lentils|toast',
  ),
  day: list('Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday'),
  month: list('January|March|April|May|July|September|October|November'),
  hour: list('7 am|eight|9:30|10 am|noon|one|half past two|3 pm|4:15|six|quarter to seven|8 pm'),
  number: list('two|three|four|five|six|seven|eight|ten|twelve|fifteen|twenty|forty'),
  digits: list('12|204|31|7|48|16|105|23|9|360|77|52'),
  year: list('1925|1950|1968|1974|1983|1990|1999|2003|2011|2016'),
  event: list(
    'the meeting|the lecture|the concert|the course|the game|the interview|the rehearsal|the tour|the workshop',
  ),
  transport: list('bus|train|tram|ferry|shuttle|subway|coach'),
  subject: list('biology|history|maths|geography|chemistry|economics|law|music'),
  animal: list('cow|horse|spider|owl|frog|rabbit|salmon|goat|bee|duck'),
};

/** Names of an emotion: `I am …`. */
export const FEELING: Readonly<Record<Exclude<Label, 'neutral'>, readonly string[]>> = {
  anger: list('angry|furious|mad|annoyed|irritated|livid|outraged|pissed off|enraged|cross|fuming|resentful'),
  disgust: list('disgusted|grossed out|revolted|nauseated|sickened|repulsed|repelled'),
  fear: list('scared|afraid|terrified|frightened|nervous|anxious|worried|panicked|petrified|uneasy|alarmed'),
  guilt: list('guilty|remorseful|full of regret|sorry for what I did|eaten up by guilt'),
  joy: list(
    'happy|glad|delighted|thrilled|cheerful|overjoyed|pleased|excited|over the moon|content|proud|relieved|' +
      'grateful|in a great mood|amused|hopeful',
  ),
  sadness: list(
    'sad|miserable|heartbroken|gloomy|down|lonely|unhappy|depressed|devastated|disappointed|hopeless|upset|in tears',
  ),
  shame: list('ashamed|embarrassed|humiliated|mortified|ashamed of myself'),
  surprise: list('surprised|amazed|astonished|shocked|stunned|startled|taken aback|speechless|baffled'),
};

/** The same as nouns: `without …`. */
export const FEELING_NOUN: Readonly<Record<Exclude<Label, 'neutral'>, readonly string[]>> = {
  anger: list('anger|rage|fury|annoyance|resentment'),
  disgust: list('disgust|revulsion|nausea'),
  fear: list('fear|panic|anxiety|worry|dread'),
  guilt: list('guilt|remorse|regret'),
  joy: list('joy|happiness|delight|excitement|fun|pleasure|pride'),
  sadness: list('sadness|grief|sorrow|gloom|misery'),
  shame: list('shame|embarrassment|humiliation'),
  surprise: list('surprise|astonishment|amazement'),
};

/** How something affects a person: `it … me`. */
export const AFFECTS: Readonly<Record<Exclude<Label, 'neutral' | 'guilt' | 'shame'>, readonly string[]>> = {
  anger: list('annoys|infuriates|irritates|enrages|angers'),
  disgust: list('disgusts|grosses out|repulses|sickens|revolts'),
  fear: list('scares|frightens|terrifies|worries|unsettles'),
  joy: list('delights|pleases|cheers up|thrills|amuses'),
  sadness: list('saddens|depresses|breaks|upsets'),
  surprise: list('surprises|amazes|astonishes|shocks|startles'),
};

/** Visible signs of an emotion: `she was …`. */
export const SHOWS: Readonly<
  Record<'anger' | 'disgust' | 'fear' | 'joy' | 'sadness' | 'shame', readonly string[]>
> = {
  anger: list('shouting|yelling|swearing|slamming doors|grinding my teeth|cursing'),
  disgust: list('gagging|retching|turning away in disgust|holding my nose'),
  fear: list('trembling|shaking all over|screaming for help|hiding under the blanket|sweating with fear'),
  joy: list('smiling|laughing|grinning|dancing|singing|giggling|jumping for joy|beaming'),
  sadness: list('crying|weeping|sobbing|grieving|mourning|in tears'),
  shame: list('blushing|hiding my face|wishing I were invisible|looking at the floor'),
};

/** Small events that cause an emotion, without naming it. */
export const EVENTS: Readonly<Record<Exclude<Label, 'neutral'>, readonly string[]>> = {
  anger: list(
    'someone scratched my car and drove off|my flatmate ate my food again|the landlord kept our deposit|' +
      'he lied straight to my face|they cancelled my order without telling me|she took credit for my work|' +
      'the neighbours drill every Sunday at six|he keeps interrupting me|they charged me twice and refuse to pay it back|' +
      'my boss shouted at me in front of everyone for nothing|somebody stole my bike|the company ignored all my complaints|' +
      'he broke his promise again|they let the man who hit her go|some idiot cut me off on the motorway',
  ),
  disgust: list(
    'there was hair in my soup|the milk had lumps in it|somebody threw up on the seat next to me|' +
      'a cockroach crawled out of the bread|he spat on the table|the toilet was smeared with dirt|' +
      'the fridge smelled of rotten meat|he picked his nose and ate it|maggots were crawling in the bin|' +
      'the dog licked vomit off the floor|the sink was full of slime|he chews with his mouth wide open|' +
      'I stepped barefoot into something slimy|his feet stank so badly I had to gag',
  ),
  fear: list(
    'a stranger is following me home|I hear footsteps in the attic and I live alone|the plane dropped suddenly|' +
      'the doctor found a shadow on the scan|a huge dog ran at me barking|the lift stopped between two floors|' +
      'somebody is trying to open my door at night|the brakes stopped working on the hill|' +
      'my exam is tomorrow and my hands are shaking|the ground began to shake|my child did not come home from school|' +
      'a snake lay right beside my foot|the lump is growing|the water was rising to the door',
  ),
  guilt: list(
    'I forgot her birthday and she cried|I lied to my parents about the money|I broke the vase and let my brother take the blame|' +
      'I cheated on the test and my friend was punished|I yelled at my little girl for nothing|' +
      'I never visited grandma before she died|I read his diary behind his back|I hit a cat with the car and drove on|' +
      'I let my best friend down when she needed me|I took money out of my mother’s purse|I betrayed his trust|' +
      'I promised to call him and never did|I cheated on my girlfriend',
  ),
  joy: list(
    'we won the final|I passed all my exams|my daughter took her first steps|I got the job|she said yes|' +
      'my best friend is coming to visit|the baby is healthy|we are going to the sea tomorrow|' +
      'my team surprised me with a cake|they accepted my paper|the sun is out and I have the day off|' +
      'he hugged me and would not let go|we danced until the morning|I finally finished the marathon|' +
      'the test came back negative|my song was on the radio',
  ),
  sadness: list(
    'my dog died last night|she left me after ten years|nobody came to my party|grandpa does not recognise me any more|' +
      'I lost the baby|we had to sell the house I grew up in|my best friend moved away|he is in hospital again|' +
      'I did not get the place I had worked for|I sit alone every evening|the funeral is on Friday|' +
      'my parents are getting divorced|my cat never came back|they closed the school I loved',
  ),
  shame: list(
    'I tripped in front of the whole class|my trousers split on stage|I called the teacher mum and everybody laughed|' +
      'I forgot my lines in front of two hundred people|my card was declined in front of my date|' +
      'they found out that I cannot read|I wet myself at the party|I was caught stealing in the shop|' +
      'my father came to school drunk and everyone saw|I failed the easiest test of all|' +
      'they read my love letter aloud to the class|I walked around all day with my fly open',
  ),
  surprise: list(
    'my old teacher stood at the door|the shop had vanished overnight|a deer walked into the kitchen|' +
      'he spoke perfect Japanese|it snowed in July|the quiet one in our class became a rock singer|' +
      'a letter from 1950 came today|the twins were born on different days|the old car started at once|' +
      'she had shaved her head|my keys were in the freezer|they were married all along|the statue moved',
  ),
};

/** Emoji that express an emotion by themselves. */
export const EMOJI: Readonly<Record<Label, readonly string[]>> = {
  anger: [...'😠😡🤬👿💢😤😾🖕'],
  disgust: [...'🤢🤮🤧'],
  fear: [...'😨😱😰🙀'],
  guilt: [],
  joy: [
    ...'😀😃😄😁😆😊🙂😍🥰😘🤩🥳😂🤣😋😎🤗😇😻😸😺🎉🎊❤💕💖💗💙💚💛💜🧡😌☺💃🕺🙌👍👏✨🥂🏆😜😝💯😹💞💓💘😚',
  ],
  neutral: [],
  sadness: [...'😢😭😞😔☹🙁😟💔😥😿😩😓🥀😣😫'],
  shame: [...'🙈'],
  surprise: [...'😲😮😯🤯😳🙀'],
};

export const EMOTICONS: Readonly<Record<'anger' | 'joy' | 'sadness' | 'surprise', readonly string[]>> = {
  anger: ['>:(', '>:-(', '>:[', 'D:<'],
  joy: [':)', ':-)', ':D', ':-D', '=)', '=D', 'xD', 'XD', '<3', ':]', '^_^', ';)', ';-)', '(:', ':P', '\\o/'],
  sadness: [':(', ':-(', ":'(", '=(', '</3', ';_;', 'T_T', '):', ':-[', 'T.T', ';-;'],
  surprise: [':O', ':-O', ':o', 'O_O', 'o_O', 'O.o'],
};
