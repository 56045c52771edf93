import { Controller, Get, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { AdminKeyGuard, Workspace } from '@tributary/service/admin-key-guard';
import { decodeCursor, encodeCursor, parseLimit } from '@tributary/service/page';
import { Problem } from '@tributary/service/problem';
import { type QualityCount, QualityCounts } from './quality-counts.postgres.js';
import { Quarantine, type Quarantined } from './quarantine.postgres.js';

const DAY_MS = 86_400_000;
const DAYS_SHOWN = 30;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

interface QuarantinedEvent extends Omit<Quarantined, 'timestampMs' | 'appendedMs' | 'sequence'> {
  readonly timestamp: string;
  readonly appendedAt: string;
}

/** What was wrong with the events of a workspace. */
@ApiTags('quality')
@ApiBearerAuth()
@UseGuards(AdminKeyGuard)
@Controller('v1')
export class QualityController {
  constructor(private readonly counts: QualityCounts, private readonly quarantine: Quarantine) {}

  @Get('quality')
  @ApiOperation({ summary: 'How often what was found wrong, by day (UTC) and reason' })
  @ApiQuery({ name: 'since', required: false, description: 'YYYY-MM-DD; left out: 30 days ago' })
  async quality(@Workspace() workspace: string, @Query('since') since?: string): Promise<{ quality: readonly QualityCount[]; cursor: null }> {
    return { quality: await this.counts.list(workspace, parseDay(since)), cursor: null };
  }

  @Get('quarantine')
  @ApiOperation({ summary: 'Events that were set aside, newest first, and how many for which reason' })
  @ApiQuery({ name: 'reason', required: false })
  @ApiQuery({ name: 'limit', required: false })
  @ApiQuery({ name: 'cursor', required: false })
  async list(
    @Workspace() workspace: string,
    @Query('reason') reason?: string,
    @Query('limit') limit?: string,
    @Query('cursor') cursor?: string,
  ): Promise<{ quarantine: readonly QuarantinedEvent[]; counts: { readonly [reason: string]: number }; cursor: string | null }> {
    const size = parseLimit(limit);
    const [before] = decodeCursor(cursor, ['number']) ?? [null];
    const events = await this.quarantine.list(workspace, { reason: reason ?? null, limit: size + 1, before: before as number | null });
    const shown = events.slice(0, size);
    const last = shown.at(-1);
    return {
      quarantine: shown.map(present),
      counts: await this.quarantine.count(workspace),
      cursor: events.length > size && last !== undefined ? encodeCursor([last.sequence]) : null,
    };
  }
}

function present({ timestampMs, appendedMs, sequence: _, ...event }: Quarantined): QuarantinedEvent {
  return { ...event, timestamp: new Date(timestampMs).toISOString(), appendedAt: new Date(appendedMs).toISOString() };
}

/** @throws Problem 400 */
function parseDay(since: string | undefined): string {
  if (since === undefined) return new Date(Date.now() - DAYS_SHOWN * DAY_MS).toISOString().slice(0, 10);
  if (!DAY.test(since) || Number.isNaN(Date.parse(since)) || new Date(since).toISOString().slice(0, 10) !== since) {
    throw new Problem(400, 'malformed_day', 'since must be a day like 2026-03-01.');
  }
  return since;
}
