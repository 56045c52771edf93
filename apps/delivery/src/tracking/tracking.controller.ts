import { All, Controller, Param, Req, Res, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { isWebUrl } from '@tributary/domain/delivery/rewrite-links';
import { AddressLimitGuard } from '@tributary/service/address-limit-guard';
import { log } from '@tributary/service/log';
import { notFound, Problem } from '@tributary/service/problem';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LinkTokens, PREVIEW_SEND_ID } from './link-token.js';
import { TrackingEvents, type Visitor } from './tracking-events.js';

/** One transparent pixel. */
const PIXEL = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');

const TRACKED_HEADERS = { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer', 'x-content-type-options': 'nosniff' };

/** Opens and clicks. A person gets the picture or the page in any case, also when nothing can be recorded. */
@ApiExcludeController()
@UseGuards(AddressLimitGuard)
@Controller()
export class TrackingController {
  constructor(
    private readonly tokens: LinkTokens,
    private readonly events: TrackingEvents,
  ) {}

  @All('o/:file')
  async open(@Param('file') file: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseUnlessRead(request);
    const token = this.tokens.read('open', file.replace(/\.gif$/, ''));
    if (token === null) throw notFound('picture');
    if (token.sendId !== PREVIEW_SEND_ID) await recordIfPossible(this.events.opened(token.sendId, visitorOf(request)));
    await reply.headers({ ...TRACKED_HEADERS, 'content-type': 'image/gif' }).send(PIXEL);
  }

  /** The destination stands in the signed token: nobody else can make a link that leads elsewhere. */
  @All('c/:token')
  async click(@Param('token') text: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseUnlessRead(request);
    const token = this.tokens.read('click', text);
    if (token?.url === undefined || !isWebUrl(token.url) || !URL.canParse(token.url)) throw notFound('link');
    await recordIfPossible(this.events.clicked(token.sendId, token.url, visitorOf(request)));
    await reply.status(302).headers({ ...TRACKED_HEADERS, location: new URL(token.url).href }).send();
  }
}

function refuseUnlessRead(request: FastifyRequest): void {
  if (request.method !== 'GET' && request.method !== 'HEAD') throw new Problem(400, 'malformed', 'Only GET and HEAD are answered here.');
}

function visitorOf({ method, headers }: FastifyRequest): Visitor {
  const text = (name: string): string => String(headers[name] ?? '').slice(0, 500);
  return { method, userAgent: text('user-agent'), purpose: text('sec-purpose') || text('purpose') || text('x-moz') };
}

async function recordIfPossible(work: Promise<void>): Promise<void> {
  await work.catch((error: unknown) => log.warn({ err: error }, 'an open or click could not be recorded'));
}
