import type { Log } from '@tributary/stream/log';

/** The broker as the process reaches it: one client for all that it hosts. A class, so that Nest can inject it. */
export class ServiceLog {
  constructor(readonly log: Log) {}
}
