import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminKeyGuard, Workspace } from '@tributary/service/admin-key-guard';
import { decodeCursor, encodeCursor, parseLimit } from '@tributary/service/page';
import { notFound } from '@tributary/service/problem';
import { MembersStore } from './members.postgres.js';
import { Preview } from './preview.js';
import { CreateSegmentBody, PreviewBody, PutSegmentBody } from './segment-bodies.js';
import { SegmentDefinitions, type Warned } from './segment-definitions.js';
import { SegmentNudge } from './segment-nudge.js';
import { type SegmentRow, SegmentsStore } from './segments.postgres.js';
import { showSegment, showStability } from './show-segment.js';
import { Thresholds } from './thresholds.js';

@ApiTags('segments')
@ApiBearerAuth()
@UseGuards(AdminKeyGuard)
@Controller('v1/segments')
export class SegmentsController {
  constructor(
    private readonly definitions: SegmentDefinitions,
    private readonly segments: SegmentsStore,
    private readonly members: MembersStore,
    private readonly preview: Preview,
    private readonly nudge: SegmentNudge,
    private readonly thresholds: Thresholds,
  ) {}

  @Post()
  @ApiOperation({ summary: 'Create a segment; people whose history qualifies them enter with cause "backfill"' })
  async create(@Workspace() workspace: string, @Body() body: CreateSegmentBody): Promise<object> {
    const created = await this.definitions.create(workspace, body.key, body);
    this.nudge.definitionsChanged();
    return this.#show(created);
  }

  @Post('preview')
  @HttpCode(200)
  @ApiOperation({ summary: 'Who a rule would have as members, and, with "replaces", who would enter and leave' })
  previewRule(@Workspace() workspace: string, @Body() body: PreviewBody): Promise<object> {
    return this.preview.preview(workspace, body);
  }

  @Get()
  @ApiOperation({ summary: 'All segments, by key' })
  async list(@Workspace() workspace: string, @Query('limit') limit?: string, @Query('cursor') cursor?: string): Promise<object> {
    const size = parseLimit(limit);
    const after = decodeCursor(cursor, ['string'])?.[0] as string | undefined;
    const nowMs = Date.now();
    const [all, counts, backfilling, standing, movements] = await Promise.all([
      this.segments.list(workspace), this.members.counts(workspace), this.members.backfilling(workspace), this.members.standing(), this.members.movements(workspace, nowMs),
    ]);
    const rest = all.filter(({ key }) => after === undefined || key > after);
    const page = rest.slice(0, size);
    return {
      segments: page.map((segment) => showSegment(segment, { count: counts.get(segment.key) ?? 0, isBackfilling: backfilling.has(segment.key), asOfMs: standing.asOfMs, nowMs, movements: movements.get(segment.key) })),
      cursor: rest.length > size ? encodeCursor([(page[page.length - 1] as SegmentRow).key]) : null,
    };
  }

  @Get(':key')
  @ApiOperation({ summary: 'One segment with its size and freshness' })
  async find(@Workspace() workspace: string, @Param('key') key: string): Promise<object> {
    const segment = await this.segments.find(workspace, key);
    if (segment === null) throw notFound('segment with this key');
    return this.#show({ value: segment, warnings: [] });
  }

  @Get(':key/threshold')
  @ApiOperation({ summary: 'The histogram of the score that a segment asks for, and who would enter and leave were its threshold moved' })
  async threshold(@Workspace() workspace: string, @Param('key') key: string): Promise<object> {
    const segment = await this.segments.find(workspace, key);
    if (segment === null) throw notFound('segment with this key');
    return this.thresholds.show(segment);
  }

  @Put(':key')
  @ApiOperation({ summary: 'Edit a segment; exactly the difference enters and leaves, with cause "definition"' })
  async replace(@Workspace() workspace: string, @Param('key') key: string, @Body() body: PutSegmentBody): Promise<object> {
    const edited = await this.definitions.replace(workspace, key, body);
    this.nudge.definitionsChanged();
    return this.#show(edited);
  }

  @Delete(':key')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete a segment that nothing uses; its members leave with cause "definition"' })
  async delete(@Workspace() workspace: string, @Param('key') key: string): Promise<void> {
    await this.definitions.delete(workspace, key);
    this.nudge.definitionsChanged();
  }

  async #show({ value, warnings }: Warned<SegmentRow>): Promise<object> {
    const nowMs = Date.now();
    const { workspace, key } = value;
    const [count, backfilling, standing, movements, stability] = await Promise.all([
      this.members.count(workspace, key), this.members.backfilling(workspace), this.members.standing(), this.members.movements(workspace, nowMs), this.members.stability(workspace, key, nowMs),
    ]);
    const facts = { count, isBackfilling: backfilling.has(key), asOfMs: standing.asOfMs, nowMs, movements: movements.get(key) };
    return { ...showSegment(value, facts, warnings), ...showStability(facts, stability) };
  }
}
