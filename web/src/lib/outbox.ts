import type { FeedbackEvent } from "./types";

// Events that the server has not acknowledged yet, kept over a reload.
export interface Outbox {
  all(): Promise<FeedbackEvent[]>;
  put(events: readonly FeedbackEvent[]): Promise<void>;
  remove(ids: readonly string[]): Promise<void>;
}

// In memory: where the browser lends no IndexedDB (private windows of some), and in tests.
export class MemoryOutbox implements Outbox {
  private readonly events = new Map<string, FeedbackEvent>();

  async all(): Promise<FeedbackEvent[]> {
    return [...this.events.values()];
  }

  async put(events: readonly FeedbackEvent[]): Promise<void> {
    for (const event of events) this.events.set(event.event_id, event);
  }

  async remove(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.events.delete(id);
  }
}

const kStore = "events";

function settled(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}

class IndexedOutbox implements Outbox {
  constructor(private readonly database: IDBDatabase) {}

  all(): Promise<FeedbackEvent[]> {
    return new Promise((resolve, reject) => {
      const request = this.database.transaction(kStore).objectStore(kStore).getAll();
      request.onsuccess = () => resolve(request.result as FeedbackEvent[]);
      request.onerror = () => reject(request.error);
    });
  }

  put(events: readonly FeedbackEvent[]): Promise<void> {
    return this.change((store) => events.forEach((event) => store.put(event)));
  }

  remove(ids: readonly string[]): Promise<void> {
    return this.change((store) => ids.forEach((id) => store.delete(id)));
  }

  // The commit is asked for at once: while a page goes away, nothing else would ask. Rejects where the browser has
  // thrown the storage away.
  private async change(make: (store: IDBObjectStore) => void): Promise<void> {
    const transaction = this.database.transaction(kStore, "readwrite");
    make(transaction.objectStore(kStore));
    transaction.commit();
    return settled(transaction);
  }
}

export function openOutbox(name = "attune"): Promise<Outbox> {
  return new Promise((resolve) => {
    const without = () => resolve(new MemoryOutbox());
    try {
      const request = indexedDB.open(name, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(kStore, { keyPath: "event_id" });
      request.onsuccess = () => resolve(new IndexedOutbox(request.result));
      request.onerror = request.onblocked = without;
    } catch {
      without();
    }
  });
}
