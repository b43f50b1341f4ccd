// The closed lists that a person can pick from, at most 8 at once; docs/pages.md. The codes are what is stored.

export const kReplyReasons: readonly [code: string, label: string][] = [
  ["not_my_taste", "Not my taste"],
  ["missed_request", "Missed what I asked for"],
  ["already_known", "I know these already"],
  ["too_obvious", "Too obvious"],
  ["no_explanation", "Doesn’t say why"],
  ["wrong_facts", "Something is wrong"],
  ["badly_written", "Badly written"],
  ["other", "Something else"],
];

export const kItemReasons: readonly [code: string, label: string][] = [
  ["wrong_genre", "Wrong genre"],
  ["wrong_mood", "Wrong mood"],
  ["too_old", "Too old"],
  ["too_new", "Too new"],
  ["disliked_similar", "Disliked similar ones"],
  ["heard_bad", "Heard bad things"],
  ["not_available", "Can’t get it"],
  ["other", "Something else"],
];

export const kCommentLength = 1000;
