import type { Entry } from '@tributary/contracts/entry';
import { eventsReceived } from '@tributary/contracts/topics/events-received';
import { segmentsChanged } from '@tributary/contracts/topics/segments-changed';
import { readChange, type LiveChange } from './live-change.js';
import { readEntries } from './live-event.js';
import { LiveFeed } from './live-feed.js';
import type { LiveSource } from './live-source.js';

export interface WorkspaceFeeds {
  readonly workspace: string;
  readonly events: LiveFeed<Entry>;
  readonly changes: LiveFeed<LiveChange>;
}

/** The feeds of the one workspace that this console shows. Nothing of another one gets into them. */
export class LiveHub {
  #feeds: WorkspaceFeeds | null = null;

  constructor(private readonly source: LiveSource) {}

  feeds(workspace: string): WorkspaceFeeds {
    if (this.#feeds?.workspace !== workspace) {
      void this.#closeFeeds();
      this.#feeds = {
        workspace,
        events: new LiveFeed(this.source, {
          topic: eventsReceived.name,
          // Of frames. Under load each has up to 64 KB of events; when it is quiet most are ticks without any.
          recentMax: 800,
          read: (record) => readEntries(record).filter((entry) => entry.workspace === workspace),
        }),
        changes: new LiveFeed(this.source, {
          topic: segmentsChanged.name,
          recentMax: 120,
          read: (record) => readChange(record).filter((change) => change.workspace === workspace),
        }),
      };
    }
    return this.#feeds as WorkspaceFeeds;
  }

  async close(): Promise<void> {
    await this.#closeFeeds();
    await this.source.close();
  }

  async #closeFeeds(): Promise<void> {
    const feeds = this.#feeds;
    this.#feeds = null;
    await Promise.all([feeds?.events.close(), feeds?.changes.close()]);
  }
}
