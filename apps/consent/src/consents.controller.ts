import { Body, Controller, Get, HttpCode, Param, Post, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import type { Json } from '@tributary/contracts/rule';
import { AdminKeyGuard, Workspace } from '@tributary/service/admin-key-guard';
import { IsIn, IsObject, IsOptional, IsString, Matches, MaxLength, MinLength } from 'class-validator';
import { ConsentHistory, type ProfileConsents } from './consent-history.js';
import { RecordConsent, type Receipt } from './record-consent.js';

const TEXT_LENGTH_MAX = 200;

export class ConsentBody {
  @ApiProperty({ example: 'userId:42', description: 'A profile id or <identifier type>:<value>. Makes the profile where it is new.' })
  @IsString() @MinLength(1) @MaxLength(1_024) profile: string;

  @ApiProperty({ example: 'email_marketing' })
  @Matches(/^[a-z0-9_-]{1,100}$/, { message: 'purpose must be 1 to 100 of a-z, 0-9, - and _' }) purpose: string;

  @ApiProperty({ enum: ['granted', 'withdrawn'] })
  @IsIn(['granted', 'withdrawn']) decision: 'granted' | 'withdrawn';

  @ApiProperty({ example: 'preference-page', description: 'How the decision was made known.' })
  @IsString() @MinLength(1) @MaxLength(TEXT_LENGTH_MAX) source: string;

  @ApiProperty({ example: '2026-01', description: 'Which version of the text the person has seen.' })
  @IsString() @MinLength(1) @MaxLength(TEXT_LENGTH_MAX) textVersion: string;

  @ApiPropertyOptional({ type: 'object', additionalProperties: true, description: 'Evidence, at most 16 KiB of JSON.' })
  @IsOptional() @IsObject() proof?: Record<string, Json>;

  @ApiPropertyOptional({ example: 'GDPR', description: 'The law under which it was given.' })
  @IsOptional() @IsString() @MinLength(1) @MaxLength(TEXT_LENGTH_MAX) jurisdiction?: string;

  @ApiPropertyOptional({ example: '2026-03-01T12:00:00.000Z', description: 'When the person decided; left out: now.' })
  @IsOptional() @IsString() @MaxLength(64) occurredAt?: string;
}

/** Decisions of people: taken, and shown with their whole history. */
@ApiTags('consents')
@ApiBearerAuth()
@UseGuards(AdminKeyGuard)
@Controller('v1')
export class ConsentsController {
  constructor(private readonly recordConsent: RecordConsent, private readonly history: ConsentHistory) {}

  @Post('consents')
  @HttpCode(201)
  @ApiOperation({ summary: 'Record a decision; answered once it is in the ledger and counts for every event processed from then on' })
  async create(@Workspace() workspace: string, @Body() body: ConsentBody): Promise<Receipt> {
    return this.recordConsent.record(workspace, body.profile, {
      purpose: body.purpose,
      decision: body.decision,
      source: body.source,
      textVersion: body.textVersion,
      jurisdiction: body.jurisdiction ?? null,
      proof: body.proof ?? null,
      occurredAt: body.occurredAt ?? null,
    });
  }

  @Get('profiles/:ref/consents')
  @ApiOperation({ summary: 'What stands for a person by purpose, and every decision, newest first' })
  async list(@Workspace() workspace: string, @Param('ref') ref: string, @Query('limit') limit?: string, @Query('cursor') cursor?: string): Promise<ProfileConsents> {
    return this.history.list(workspace, ref, { limit, cursor });
  }
}
