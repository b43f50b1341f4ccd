// A small part of Markdown as plain data: paragraphs, lists, **bold**, *italic* and `code`. The page makes DOM nodes of
// it. Whatever else stands in a text (HTML above all) stays the text that it is.

export type Inline =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "strong" | "em"; of: Inline[] };

export type Block =
  | { kind: "paragraph"; lines: Inline[][] }
  | { kind: "list"; ordered: boolean; items: Inline[][] };

const kBullet = /^ {0,3}[-*•] +(.*)$/;
const kNumber = /^ {0,3}\d{1,3}[.)] +(.*)$/;

export function parseMarkdown(text: string): Block[] {
  const blocks: Block[] = [];
  let fresh = true; // the next line begins a block
  for (const line of text.split(/\r\n|\r|\n/)) {
    if (line.trim() === "") {
      fresh = true;
      continue;
    }
    const bullet = kBullet.exec(line);
    const item = bullet ?? kNumber.exec(line);
    const last = blocks.at(-1);
    if (item) {
      const ordered = bullet === null;
      if (last?.kind === "list" && last.ordered === ordered) last.items.push(parseInline(item[1]!));
      else blocks.push({ kind: "list", ordered, items: [parseInline(item[1]!)] });
    } else if (!fresh && last?.kind === "paragraph") {
      last.lines.push(parseInline(line));
    } else {
      blocks.push({ kind: "paragraph", lines: [parseInline(line)] });
    }
    fresh = false;
  }
  return blocks;
}

// A mark without its partner, or with a blank inside it, is text. Nested at most twice (bold in italic or the reverse).
export function parseInline(text: string, depth = 0): Inline[] {
  const found: Inline[] = [];
  const say = (piece: string) => {
    const last = found.at(-1);
    if (last?.kind === "text") last.text += piece;
    else if (piece) found.push({ kind: "text", text: piece });
  };
  const pattern = /`([^`]+)`|\*\*(\S(?:.*?\S)??)\*\*(?!\*)|\*(?!\*)(\S(?:[^*]*?[^\s*])??)\*(?!\*)/g;
  let begin = 0;
  for (const match of text.matchAll(pattern)) {
    say(text.slice(begin, match.index));
    begin = match.index + match[0].length;
    const inner = match[2] ?? match[3];
    if (match[1] !== undefined) found.push({ kind: "code", text: match[1] });
    else if (depth >= 2 || inner === undefined) say(match[0]);
    else found.push({ kind: match[2] !== undefined ? "strong" : "em", of: parseInline(inner, depth + 1) });
  }
  say(text.slice(begin));
  return found;
}
