import { All, Controller, Param, Req, Res, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { AddressLimitGuard } from '@tributary/service/address-limit-guard';
import { notFound, Problem } from '@tributary/service/problem';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { SentMessages } from '../sends/sent-messages.postgres.js';
import { type LinkKind, LinkTokens, PREVIEW_SEND_ID } from './link-token.js';
import { type Page, PAGE_HEADERS, renderPage } from './pages.js';
import { TrackingEvents } from './tracking-events.js';

const PREVIEW: Page = { title: 'This is a preview', text: 'In a mail that is sent, this link belongs to the person who gets it.' };
const DONE: Page = {
  title: 'You are unsubscribed',
  text: 'We will not send you this kind of mail any more. If that was a mistake, you can subscribe again.',
  action: { label: 'Subscribe again', name: 'choice', value: 'subscribe' },
};
const AGAIN: Page = {
  title: 'You are subscribed',
  text: 'You will get this kind of mail.',
  action: { label: 'Unsubscribe', name: 'choice', value: 'unsubscribe' },
};

/**
 * Unsubscribing, by a mail program's button (RFC 8058) or by hand. GET shows a page and changes nothing, because
 * scanners follow every link; POST acts without asking anything more.
 */
@ApiExcludeController()
@UseGuards(AddressLimitGuard)
@Controller()
export class UnsubscribeController {
  constructor(
    private readonly tokens: LinkTokens,
    private readonly events: TrackingEvents,
    private readonly messages: SentMessages,
  ) {}

  @All('u/:token')
  async unsubscribe(@Param('token') text: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const sendId = await this.#sendOf('unsubscribe', text, request);
    if (sendId === PREVIEW_SEND_ID) return show(reply, PREVIEW);
    if (request.method !== 'POST') {
      return show(reply, {
        title: 'Unsubscribe?',
        text: 'You will not get this kind of mail any more.',
        action: { label: 'Unsubscribe', name: 'List-Unsubscribe', value: 'One-Click' },
      });
    }
    await this.#choose(sendId, choiceOf(request) === 'subscribe' ? 'subscribe' : 'unsubscribe', 'unsubscribe-link', reply);
  }

  @All('p/:token')
  async preferences(@Param('token') text: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const sendId = await this.#sendOf('preferences', text, request);
    if (sendId === PREVIEW_SEND_ID) return show(reply, PREVIEW);
    if (request.method !== 'POST') return show(reply, (await this.messages.isUnsubscribed(sendId)) ? DONE : AGAIN);
    const choice = choiceOf(request);
    if (choice !== 'subscribe' && choice !== 'unsubscribe') throw new Problem(400, 'malformed', 'Send choice=subscribe or choice=unsubscribe.');
    await this.#choose(sendId, choice, 'preferences-page', reply);
  }

  async #choose(sendId: string, choice: 'subscribe' | 'unsubscribe', how: string, reply: FastifyReply): Promise<void> {
    if (choice === 'subscribe') {
      await this.events.resubscribe(sendId, how);
      return show(reply, AGAIN);
    }
    await this.events.unsubscribe(sendId, how);
    return show(reply, DONE);
  }

  /** @throws Problem 404 for a token that we did not make, or whose send is gone */
  async #sendOf(kind: LinkKind, text: string, request: FastifyRequest): Promise<string> {
    if (!['GET', 'HEAD', 'POST'].includes(request.method)) throw new Problem(400, 'malformed', 'Only GET, HEAD and POST are answered here.');
    const token = this.tokens.read(kind, text);
    if (token === null) throw notFound('such link');
    if (token.sendId !== PREVIEW_SEND_ID && (await this.messages.find(token.sendId)) === null) throw notFound('such link');
    return token.sendId;
  }
}

/** The form field, whichever of the two encodings of RFC 8058 it came in; anything else unsubscribes all the same. */
function choiceOf({ body }: FastifyRequest): string | undefined {
  const choice = (body as { choice?: unknown } | undefined | null)?.choice;
  return typeof choice === 'string' ? choice : undefined;
}

async function show(reply: FastifyReply, page: Page): Promise<void> {
  await reply.status(200).headers(PAGE_HEADERS).send(renderPage(page));
}
