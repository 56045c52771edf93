import { Controller, HttpCode, Post, Req } from '@nestjs/common';
import { ApiBasicAuth, ApiBody, ApiOkResponse, ApiOperation, ApiResponse, ApiTags, ApiUnauthorizedResponse } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Collector, type CollectorAnswer } from './collector.js';

@ApiTags('collection')
@ApiBasicAuth()
@ApiUnauthorizedResponse({ description: 'No write key, or a wrong one' })
@ApiResponse({ status: 413, description: 'More than 500 KB after inflating, or more than 1,000 events' })
@ApiResponse({ status: 429, description: 'More comes in than the key may send, or than the broker takes; see Retry-After' })
@ApiResponse({ status: 503, description: 'The broker does not answer' })
@Controller('v1')
export class CollectorController {
  constructor(private readonly collector: Collector) {}

  @Post(['identify', 'track', 'page', 'screen', 'group', 'alias'])
  @HttpCode(200)
  @ApiOperation({ summary: 'One event of the type in the address, in the form of Segment’s tracking API; answered once the broker has it' })
  @ApiBody({ schema: { type: 'object', example: { userId: '42', event: 'Order Completed', properties: { order_id: 'o-1', total: 99.5 } } } })
  @ApiOkResponse({ description: '{"success": true}' })
  @ApiResponse({ status: 400, description: 'The event is refused; code says why' })
  one(@Req() request: FastifyRequest): Promise<CollectorAnswer> {
    return this.#collect(request);
  }

  @Post('batch')
  @HttpCode(200)
  @ApiOperation({ summary: 'Up to 1,000 events with their types; a bad event rejects itself, not its batch' })
  @ApiBody({ schema: { type: 'object', example: { batch: [{ type: 'identify', userId: '42', traits: { plan: 'pro' } }], sentAt: '2026-01-01T00:00:00.000Z' } } })
  @ApiOkResponse({ description: '{"success": true, "errors": [{"index", "code", "message"}]}, errors only where there are some' })
  @ApiResponse({ status: 400, description: 'The body is no batch' })
  batch(@Req() request: FastifyRequest): Promise<CollectorAnswer> {
    return this.#collect(request);
  }

  #collect({ url, headers, body }: FastifyRequest): Promise<CollectorAnswer> {
    const call = (/^\/v1\/(\w+)/.exec(url) as RegExpExecArray)[1] as string;
    const { authorization, traceparent } = headers;
    return this.collector.collect({ call, authorization, body: body instanceof Buffer ? body : Buffer.alloc(0), traceparent: typeof traceparent === 'string' ? traceparent : undefined });
  }
}
