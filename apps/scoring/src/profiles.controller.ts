import { Controller, Get, Param, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiParam, ApiQuery, ApiTags, ApiUnauthorizedResponse, ApiNotFoundResponse } from '@nestjs/swagger';
import { AdminKeyGuard, Workspace } from '@tributary/service/admin-key-guard';
import { parseLimit } from '@tributary/service/page';
import { PageQuery, ProfilesQuery } from './profile-requests.js';
import { Profiles, type ScoreExplanation } from './profiles.js';
import type { ProfileResource } from './show-profile.js';

const REF = { name: 'ref', description: 'Profile id, or <identifier type>:<value> percent-encoded; a merged id answers with the survivor', example: 'userId:42' };

@ApiTags('profiles')
@ApiBearerAuth()
@ApiUnauthorizedResponse({ description: 'No admin key, or a wrong one' })
@UseGuards(AdminKeyGuard)
@Controller('v1/profiles')
export class ProfilesController {
  constructor(private readonly profiles: Profiles) {}

  @Get()
  @ApiOperation({ summary: 'List profiles in the order of their ids, or find those with an identifier' })
  @ApiQuery({ name: 'q', required: false, description: 'A profile id, <identifier type>:<value>, or an exact value of a common identifier' })
  @ApiOkResponse({ description: '{profiles, cursor}' })
  async list(@Workspace() workspace: string, @Query() query: ProfilesQuery): Promise<{ profiles: readonly ProfileResource[]; cursor: string | null }> {
    const limit = parseLimit(query.limit);
    if (query.q !== undefined && query.q !== '') return { profiles: (await this.profiles.search(workspace, query.q)).slice(0, limit), cursor: null };
    return this.profiles.list(workspace, limit, query.cursor);
  }

  @Get(':ref')
  @ApiOperation({ summary: 'A profile: identifiers, traits, computed traits, scores' })
  @ApiParam(REF)
  @ApiOkResponse({ description: '{id, identifiers, traits, computed, scores, cluster, createdAt, updatedAt}' })
  @ApiNotFoundResponse({ description: 'Unknown profile' })
  get(@Workspace() workspace: string, @Param('ref') ref: string): Promise<ProfileResource> {
    return this.profiles.get(workspace, ref);
  }

  @Get(':ref/events')
  @ApiOperation({ summary: 'The events of a profile, newest first by event time' })
  @ApiParam(REF)
  @ApiOkResponse({ description: '{events, cursor}; each event as sent and cleansed, with the time that counts as timestamp, and appendedAt' })
  @ApiNotFoundResponse({ description: 'Unknown profile' })
  events(@Workspace() workspace: string, @Param('ref') ref: string, @Query() query: PageQuery): Promise<{ events: readonly object[]; cursor: string | null }> {
    return this.profiles.events(workspace, ref, { limit: parseLimit(query.limit), cursor: query.cursor });
  }

  @Get(':ref/scores/:key')
  @ApiOperation({ summary: 'What a score is made of, and when it changes by time alone' })
  @ApiParam(REF)
  @ApiParam({ name: 'key', description: 'Key of the score model', example: 'engagement' })
  @ApiOkResponse({ description: '{score, delivered, opened, clicked, sessions, asOf, changesAt, awaiting, approximate}' })
  @ApiNotFoundResponse({ description: 'Unknown profile or score' })
  score(@Workspace() workspace: string, @Param('ref') ref: string, @Param('key') key: string): Promise<ScoreExplanation> {
    return this.profiles.explain(workspace, ref, key);
  }
}
