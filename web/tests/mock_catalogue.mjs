// A handful of real films for the stand-in server, and what of a message speaks for each.
const rows = [
  ["Heat", 1995, ["crime", "thriller"], ["tense", "crime", "acted"]],
  ["The Insider", 1999, ["drama", "thriller"], ["tense", "acted"]],
  ["Collateral", 2004, ["crime", "thriller"], ["tense", "night"]],
  ["Zodiac", 2007, ["crime", "mystery"], ["scary", "crime", "tense"]],
  ["The Others", 2001, ["horror", "mystery"], ["scary", "horror", "gory"]],
  ["The Sixth Sense", 1999, ["drama", "mystery"], ["scary", "mystery"]],
  ["Galaxy Quest", 1999, ["comedy", "science fiction"], ["funny", "light"]],
  ["The Princess Bride", 1987, ["adventure", "comedy"], ["funny", "light", "tired"]],
  ["Paddington 2", 2017, ["comedy", "family"], ["funny", "light", "friday"]],
  ["Amélie", 2001, ["comedy", "romance"], ["light", "romantic"]],
  ["Spirited Away", 2001, ["animation", "fantasy"], ["magic", "animation"]],
  ["Memento", 2000, ["mystery", "thriller"], ["memory", "mystery"]],
];

export const catalogue = rows.map(([title, year, genre, words], index) => ({ item_id: `m${index + 1}`, title, year, genre, words }));

// The items that fit a text best, never one that the text names. Deterministic.
export function recommend(text, count) {
  const said = text.toLowerCase();
  const named = catalogue.filter((item) => said.includes(item.title.toLowerCase()));
  const scored = catalogue
    .filter((item) => !named.includes(item))
    .map((item, index) => {
      const words = item.words.filter((word) => said.includes(word));
      const shared = named.filter((other) => other.genre.some((genre) => item.genre.includes(genre)));
      return { item, words, shared, weight: words.length + 0.5 * shared.length - index / 100 };
    })
    .sort((a, b) => b.weight - a.weight)
    .slice(0, count);
  const total = scored.reduce((sum, { weight }) => sum + Math.exp(weight), 0) * 1.5;
  return scored.map(({ item, words, shared, weight }, index) => ({
    item_id: item.item_id,
    title: item.title,
    year: item.year,
    rank: index + 1,
    score: Math.exp(weight) / total,
    propensity: Math.exp(weight) / total,
    attributes: { genre: item.genre },
    reasons: [
      ...shared.map((other) => ({ kind: "item", what: `${other.title} (${other.year})`, weight: 0.5, text: `“${other.title} (${other.year})”` })),
      ...words.map((word) => ({ kind: "word", what: word, weight: 1, text: `the word “${word}”` })),
    ].slice(0, 3),
  }));
}

export function replyTo(text, recommendations, version) {
  const [first, ...others] = recommendations;
  const openings = ["I would try", "How about", "Then have a look at"];
  const opening = openings[version % openings.length];
  const rest = others.length > 0 ? ` If you have seen it, *${others.map((item) => item.title).join("* or *")}* may suit you as well.` : "";
  return `${opening} **${first.title}**. It is ${first.attributes.genre.join(" and ")}, and it goes with what you said.${rest} Which do you know already?`;
}
