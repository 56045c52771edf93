import { Controller, Get, Param, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminKeyGuard, Workspace } from '@tributary/service/admin-key-guard';
import { decodeCursor, encodeCursor, parseLimit } from '@tributary/service/page';
import { notFound, Problem } from '@tributary/service/problem';
import { ProfileDirectory } from '@tributary/service/profile-directory';
import { Explainer } from './explainer.js';
import { type ChangeRow, type Member, MembersStore } from './members.postgres.js';
import { Preview } from './preview.js';
import { SegmentsStore } from './segments.postgres.js';
import { toIso } from './show-segment.js';

@ApiTags('members')
@ApiBearerAuth()
@UseGuards(AdminKeyGuard)
@Controller('v1')
export class MembersController {
  constructor(
    private readonly segments: SegmentsStore,
    private readonly members: MembersStore,
    private readonly profiles: ProfileDirectory,
    private readonly explainer: Explainer,
    private readonly preview: Preview,
  ) {}

  @Get('segments/:key/members')
  @ApiOperation({ summary: 'Members by profile id; with "asOf", those of an instant in the past, from history' })
  async list(@Workspace() workspace: string, @Param('key') key: string, @Query('limit') limit?: string, @Query('cursor') cursor?: string, @Query('asOf') asOf?: string): Promise<object> {
    const size = parseLimit(limit);
    await this.#mustExist(workspace, key);
    const after = (decodeCursor(cursor, ['string'])?.[0] ?? null) as string | null;
    if (asOf !== undefined) return this.preview.membersAsOf(workspace, key, { asOfMs: instantOf(asOf, 'asOf'), after, limit: size });
    // The instant first: what is read after it is at least as new.
    const { asOfMs } = await this.members.standing();
    const page = await this.members.page(workspace, key, after, size);
    return {
      members: page.map(({ profileId, sinceMs }) => ({ profileId, since: toIso(sinceMs) })),
      cursor: page.length === size ? encodeCursor([(page[page.length - 1] as Member).profileId]) : null,
      asOf: toIso(asOfMs),
    };
  }

  @Get('segments/:key/members/:ref')
  @ApiOperation({ summary: 'Is this person in, since when, until when by time alone, and why' })
  async explain(@Workspace() workspace: string, @Param('key') key: string, @Param('ref') ref: string): Promise<object> {
    await this.#mustExist(workspace, key);
    return this.explainer.explain(workspace, key, await this.profiles.resolve(workspace, ref));
  }

  @Get('segments/:key/changes')
  @ApiOperation({ summary: 'Who entered and left since an instant, in order of effect' })
  async changes(@Workspace() workspace: string, @Param('key') key: string, @Query('since') since?: string, @Query('limit') limit?: string, @Query('cursor') cursor?: string): Promise<object> {
    const size = parseLimit(limit);
    const after = decodeCursor(cursor, ['number', 'string', 'number']) as readonly [number, string, number] | null;
    const page = await this.members.changes(workspace, key, since === undefined ? 0 : instantOf(since, 'since'), after, size);
    const last = page[page.length - 1];
    return {
      changes: page.map(showChange),
      cursor: last !== undefined && page.length === size ? encodeCursor([last.effectiveMs, last.profileId, last.sequence]) : null,
    };
  }

  @Get('profiles/:ref/segments')
  @ApiOperation({ summary: 'The segments that a person is in' })
  async ofProfile(@Workspace() workspace: string, @Param('ref') ref: string): Promise<object> {
    const profileId = await this.profiles.resolve(workspace, ref);
    const { asOfMs } = await this.members.standing();
    const segments = await this.members.segmentsOf(workspace, profileId);
    return { segments: segments.map(({ segment, sinceMs }) => ({ key: segment, since: toIso(sinceMs) })), asOf: toIso(asOfMs) };
  }

  @Get('profiles/:ref/changes')
  @ApiOperation({ summary: "A person's changes over all segments, newest first" })
  async changesOfProfile(@Workspace() workspace: string, @Param('ref') ref: string, @Query('limit') limit?: string, @Query('cursor') cursor?: string): Promise<object> {
    const size = parseLimit(limit);
    const before = (decodeCursor(cursor, ['number'])?.[0] ?? null) as number | null;
    const page = await this.members.changesOfProfile(workspace, await this.profiles.resolve(workspace, ref), before, size);
    const last = page[page.length - 1];
    return { changes: page.map(showChange), cursor: last !== undefined && page.length === size ? encodeCursor([last.sequence]) : null };
  }

  async #mustExist(workspace: string, key: string): Promise<void> {
    if ((await this.segments.find(workspace, key)) === null) throw notFound('segment with this key');
  }
}

function showChange({ effectiveMs, processedMs, ...change }: ChangeRow): object {
  return { ...change, effectiveAt: toIso(effectiveMs), processedAt: toIso(processedMs) };
}

function instantOf(text: string, field: string): number {
  const instantMs = Date.parse(text);
  if (Number.isNaN(instantMs)) throw new Problem(400, 'malformed_instant', `${field} must be an instant in ISO 8601, e.g. 2026-01-31T12:00:00.000Z.`);
  return instantMs;
}
