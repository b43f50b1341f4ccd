// Server-sent events, as the WHATWG describes them, of which this page needs the data.

// Fed with text in pieces of any size, hands back the data of each event that became whole. Lines end with LF, CRLF or
// CR; comments and other fields are skipped; an event that was not ended by an empty line never counts.
export class SseParser {
  private rest = "";
  private data: string[] = [];
  private first = true;

  push(piece: string): string[] {
    this.rest += piece;
    if (this.first && this.rest.length > 0) {
      if (this.rest.charCodeAt(0) === 0xfeff) this.rest = this.rest.slice(1);
      this.first = false;
    }
    const events: string[] = [];
    let begin = 0;
    for (;;) {
      const end = this.lineEnd(begin);
      if (end < 0) break;
      const line = this.rest.slice(begin, end);
      begin = end + (this.rest.startsWith("\r\n", end) ? 2 : 1);
      this.line(line, events);
    }
    this.rest = this.rest.slice(begin);
    return events;
  }

  // A CR at the very end may be half of a CRLF: it waits for the next piece.
  private lineEnd(begin: number): number {
    for (let i = begin; i < this.rest.length; ++i) {
      const c = this.rest[i];
      if (c === "\n") return i;
      if (c === "\r") return i + 1 < this.rest.length ? i : -1;
    }
    return -1;
  }

  private line(line: string, events: string[]): void {
    if (line === "") {
      if (this.data.length > 0) events.push(this.data.join("\n"));
      this.data = [];
      return;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    if (field !== "data") return;
    const value = colon < 0 ? "" : line.slice(colon + 1);
    this.data.push(value.startsWith(" ") ? value.slice(1) : value);
  }
}

// The data of each event of a response's body, as it comes.
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const parser = new SseParser();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
