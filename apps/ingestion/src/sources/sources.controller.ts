import { Body, Controller, Get, Param, Post, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiConflictResponse, ApiCreatedResponse, ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiProperty, ApiPropertyOptional, ApiTags, ApiUnauthorizedResponse } from '@nestjs/swagger';
import { AdminKeyGuard, Workspace } from '@tributary/service/admin-key-guard';
import { ServiceConfig } from '@tributary/service/config';
import { decodeCursor, encodeCursor, parseLimit } from '@tributary/service/page';
import { notFound, Problem } from '@tributary/service/problem';
import { hashKey, newKey } from '@tributary/service/secrets';
import { IsBoolean, IsOptional, IsString, Length, Matches } from 'class-validator';
import { sealSecret } from './seal-secret.js';
import { type Source, SourceStore } from './source-store.postgres.js';

const KIND = /^(?:http|kafka|webhook:[a-z0-9-]{1,60})$/;

class SourceBody {
  @ApiProperty({ example: 'website' }) @Matches(/^[a-z0-9-]{1,100}$/, { message: 'key must be 1 to 100 of a-z, 0-9 and -' }) key: string;

  @ApiProperty({ example: 'http', description: 'http, kafka or webhook:<provider>' })
  @Matches(KIND, { message: 'kind must be http, kafka or webhook:<provider>' }) kind: string;

  @ApiPropertyOptional({ description: 'With which the provider signs; kept encrypted, never told again' })
  @IsOptional() @IsString() @Length(1, 1_000) secret?: string;

  @ApiPropertyOptional({ description: 'Whether a server holds the key, which may then tie people by e-mail, phone and alias. By default all but http' })
  @IsOptional() @IsBoolean() trusted?: boolean;
}

class SourcesQuery {
  @ApiPropertyOptional() @IsOptional() @IsString() limit?: string;
  @ApiPropertyOptional() @IsOptional() @IsString() cursor?: string;
}

interface SourceResource {
  readonly key: string;
  readonly kind: string;
  readonly trusted: boolean;
  readonly hasSecret: boolean;
  readonly createdAt: string;
}

@ApiTags('sources')
@ApiBearerAuth()
@ApiUnauthorizedResponse({ description: 'No admin key, or a wrong one' })
@UseGuards(AdminKeyGuard)
@Controller('v1/sources')
export class SourcesController {
  constructor(private readonly store: SourceStore, private readonly config: ServiceConfig) {}

  @Post()
  @ApiOperation({ summary: 'A new source with its write key, which is told this once' })
  @ApiCreatedResponse({ description: '{key, kind, trusted, hasSecret, createdAt, writeKey}' })
  @ApiConflictResponse({ description: 'The workspace has a source with this key' })
  async create(@Workspace() workspace: string, @Body() body: SourceBody): Promise<SourceResource & { writeKey: string }> {
    const { key, kind, secret, trusted = kind !== 'http' } = body;
    const writeKey = newKey('wk');
    const createdMs = Date.now();
    const sealedSecret = secret === undefined ? null : sealSecret(this.config.TRIBUTARY_SECRET, `${workspace}/${key}`, secret);
    const added = await this.store.add({ workspace, key, kind, trusted, createdMs, sealedSecret, writeKeyHash: hashKey(writeKey) });
    if (!added) throw new Problem(409, 'duplicate_key', `There is a source ${key} already. Choose another key.`);
    return { ...toResource({ workspace, key, kind, trusted, hasSecret: secret !== undefined, createdMs }), writeKey };
  }

  @Get()
  @ApiOperation({ summary: 'The sources of the workspace, by key' })
  @ApiOkResponse({ description: '{sources, cursor}' })
  async list(@Workspace() workspace: string, @Query() query: SourcesQuery): Promise<{ sources: SourceResource[]; cursor: string | null }> {
    const limit = parseLimit(query.limit);
    const [after = ''] = decodeCursor(query.cursor, ['string']) ?? [];
    const sources = await this.store.list(workspace, after as string, limit + 1);
    const page = sources.slice(0, limit);
    const last = page.at(-1);
    return { sources: page.map(toResource), cursor: sources.length > limit && last !== undefined ? encodeCursor([last.key]) : null };
  }

  @Get(':key')
  @ApiOperation({ summary: 'A source, without its key and secret' })
  @ApiOkResponse({ description: '{key, kind, trusted, hasSecret, createdAt}' })
  @ApiNotFoundResponse({ description: 'No such source' })
  async get(@Workspace() workspace: string, @Param('key') key: string): Promise<SourceResource> {
    const source = await this.store.find(workspace, key);
    if (source === null) throw notFound('source');
    return toResource(source);
  }
}

function toResource({ key, kind, trusted, hasSecret, createdMs }: Source): SourceResource {
  return { key, kind, trusted, hasSecret, createdAt: new Date(createdMs).toISOString() };
}
