import { type BeforeApplicationShutdown, Controller, Get, Headers, type OnApplicationShutdown, Query, Req, Res } from '@nestjs/common';
import { Problem } from '@tributary/service/problem';
import { IsOptional, IsString, MaxLength } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Credentials } from './credentials.js';
import { changeMatches, tallyChanges } from './live-change.js';
import { entryMatches, newestOf, presentEvent } from './live-event.js';
import { LiveHub, type WorkspaceFeeds } from './live-hub.js';
import { LiveStream, type StreamOptions } from './live-stream.js';
import { sessionOf } from './request-guard.js';

export class LiveQuery {
  /** A name, a segment, a person (`userId:42`) or any text. */
  @IsOptional() @IsString() @MaxLength(200) match?: string;

  /** The id of the last message that a page got, where it opens a new stream instead of letting the browser reconnect. */
  @IsOptional() @IsString() @MaxLength(64) after?: string;
}

const STREAMS_MAX = 200;

/** What happens right now, as Server-Sent Events. */
@Controller('api/live')
export class LiveController implements BeforeApplicationShutdown, OnApplicationShutdown {
  readonly #streams = new Set<LiveStream<never>>();

  constructor(
    private readonly hub: LiveHub,
    private readonly credentials: Credentials,
  ) {}

  @Get('events')
  async events(@Query() { match = '', after }: LiveQuery, @Req() request: FastifyRequest, @Res() reply: FastifyReply, @Headers('last-event-id') lastEventId?: string): Promise<void> {
    const { events: feed } = await this.#feeds();
    this.#open(request, reply, { feed, present: presentEvent, summarize: newestOf, matches: (entry) => entryMatches(entry, match), resumeAfter: lastEventId ?? after });
  }

  @Get('changes')
  async changes(@Query() { match = '', after }: LiveQuery, @Req() request: FastifyRequest, @Res() reply: FastifyReply, @Headers('last-event-id') lastEventId?: string): Promise<void> {
    const { changes: feed } = await this.#feeds();
    this.#open(request, reply, { feed, present: (change) => change, summarize: tallyChanges, matches: (change) => changeMatches(change, match), resumeAfter: lastEventId ?? after });
  }

  /** Open streams would hold up the end of the process. */
  beforeApplicationShutdown(): void {
    for (const stream of this.#streams) stream.end();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.hub.close();
  }

  #open<Item>(request: FastifyRequest, reply: FastifyReply, options: Omit<StreamOptions<Item>, 'untilMs'>): void {
    if (this.#streams.size >= STREAMS_MAX) throw new Problem(503, 'too_many_streams', `At most ${STREAMS_MAX} pages watch at a time. Close one, then reload.`, [], 10);
    const { expiresMs: untilMs } = sessionOf(request);
    reply.hijack();
    reply.raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': 'text/event-stream; charset=utf-8',
      // Reverse proxies would gather the stream instead of passing it on.
      'x-accel-buffering': 'no',
    });
    const stream = new LiveStream(reply.raw, { ...options, untilMs });
    this.#streams.add(stream as LiveStream<never>);
    reply.raw.once('close', () => this.#streams.delete(stream as LiveStream<never>));
  }

  async #feeds(): Promise<WorkspaceFeeds> {
    const credentials = await this.credentials.current();
    if (credentials === null) throw new Problem(503, 'no_workspace', 'No workspace has been made yet. The page goes on by itself once there is one.', [], 2);
    return this.hub.feeds(credentials.workspace);
  }
}
