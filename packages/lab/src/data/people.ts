// A data sheet on people: what the data sets state about writers and people shown, what they do not, and what therefore
// cannot be known about a model's fairness. Printed in the report and in model cards.

export interface PeopleSheet {
  readonly key: 'isear' | 'fer2013' | 'rafdb';
  readonly set: string;
  readonly says: string;
  readonly silent: string;
  /** What can be measured with it, and what cannot. */
  readonly follows: string;
}

/**
 * Sources: the files themselves; Scherer & Wallbott 1994; Goodfellow et al. 2013, section 2; Li, Deng & Du 2017,
 * section 3.
 */
export const peopleSheets: readonly PeopleSheet[] = [
  {
    key: 'isear',
    set: 'ISEAR',
    says: 'Of each writer, in the original file only: sex in two codes, age, country, and codes for city, religion and how it is practised, field of study and parents’ occupations. mien reads sex, age and country.',
    silent:
      'First language, and whether a text was translated; ethnicity, disability, gender beyond two codes. Nearly all were students around the year 1990, so that hardly anyone is old or without schooling.',
    follows:
      'Accuracy by sex, age and country can be measured, of a country with some dozens of texts only roughly. A country’s figure mixes its people with its language, its translators and its university. Of adults past thirty, of children and of today’s writing nothing can be said.',
  },
  {
    key: 'fer2013',
    set: 'FER2013',
    says: 'Of those shown nothing: the file holds grey pixels, one of seven labels and the part of the set. The words for sex, age and origin that were part of the web searches were not kept with the images.',
    silent:
      'Sex, age, skin, origin, identity; whether an expression was posed; who labelled it, and how many agreed. Whether a person occurs in training and test alike is known only as far as the pictures nearly repeat.',
    follows:
      'No accuracy by group of persons can be measured. Without colour and at 48 pixels such attributes cannot be added by looking at the images, nor would a guess at somebody’s origin be a label.',
  },
  {
    key: 'rafdb',
    set: 'RAF-DB',
    says: 'With the official distribution: sex, three classes of race and five ranges of age, as annotators saw them. The copies that most people have hold images and labels only, and mien reads neither form’s attributes.',
    silent:
      'What those shown would say of themselves; origins outside the three classes; identity, so that a person may occur in training and test; light and camera.',
    follows:
      'Without the attribute files, no accuracy by group of persons can be measured; with them, one by how people look to others. mien evaluate --group takes such a column, or one of data of your own.',
  },
];

/** What follows for any model that was trained and tested on these sets. */
export const peopleConclusions: readonly string[] = [
  'The labels of faces are what others saw in them. Whether they see anger sooner in some people than in others is in the labels too, and a model that has learned it looks accurate.',
  'No pair of a text and a face is of one person: of groups, nothing is known of the fused answer but what is known of each side.',
];
