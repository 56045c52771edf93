import { Body, Controller, Post, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOperation, ApiProperty, ApiPropertyOptional, ApiTags, ApiUnauthorizedResponse } from '@nestjs/swagger';
import { OperatorKeyGuard } from '@tributary/service/operator-key-guard';
import { IsOptional, IsString, IsTimeZone, Length } from 'class-validator';
import { createWorkspace, type CreatedWorkspace } from './create-workspace.js';
import { SourceStore } from './source-store.postgres.js';

class WorkspaceBody {
  @ApiProperty({ example: 'Shop' }) @IsString() @Length(1, 200) name: string;

  @ApiPropertyOptional({ example: 'Europe/Berlin', description: 'IANA name; decides calendar days where a person has no time zone', default: 'UTC' })
  @IsOptional() @IsTimeZone({ message: 'timezone must be an IANA time zone name' }) timezone?: string;
}

@ApiTags('workspaces')
@ApiBearerAuth()
@ApiUnauthorizedResponse({ description: 'No operator key, or a wrong one' })
@UseGuards(OperatorKeyGuard)
@Controller('v1/workspaces')
export class WorkspacesController {
  constructor(private readonly store: SourceStore) {}

  @Post()
  @ApiOperation({ summary: 'A new workspace with its keys, which are told this once' })
  @ApiCreatedResponse({ description: '{workspace, writeKey, adminKey}' })
  create(@Body() { name, timezone = 'UTC' }: WorkspaceBody): Promise<CreatedWorkspace> {
    return createWorkspace(this.store, { name, timezone });
  }
}
