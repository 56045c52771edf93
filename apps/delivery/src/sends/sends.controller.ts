import { Controller, Get, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { AdminKeyGuard, Workspace } from '@tributary/service/admin-key-guard';
import { decodeCursor, encodeCursor, parseLimit } from '@tributary/service/page';
import { ProfileDirectory } from '@tributary/service/profile-directory';
import { SentMessages } from './sent-messages.postgres.js';

@ApiTags('sends')
@ApiBearerAuth()
@UseGuards(AdminKeyGuard)
@Controller('v1/sends')
export class SendsController {
  constructor(
    private readonly messages: SentMessages,
    private readonly profiles: ProfileDirectory,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Decisions to send or not, with their reasons, newest first.' })
  @ApiQuery({ name: 'profile', required: false, description: 'A profile id, or type:value.' })
  @ApiQuery({ name: 'automation', required: false }) @ApiQuery({ name: 'limit', required: false }) @ApiQuery({ name: 'cursor', required: false })
  async list(
    @Workspace() workspace: string,
    @Query('profile') profile?: string,
    @Query('automation') automation?: string,
    @Query('limit') limit?: string,
    @Query('cursor') cursor?: string,
  ): Promise<object> {
    const before = decodeCursor(cursor, ['number', 'string']);
    const { messages, last } = await this.messages.list({
      workspace,
      profileId: profile === undefined ? null : await this.profiles.resolve(workspace, profile),
      automation: automation ?? null,
      limit: parseLimit(limit),
      before: before === null ? null : { atMs: before[0] as number, id: before[1] as string },
    });
    return { sends: messages, cursor: last === null ? null : encodeCursor([last.atMs, last.id]) };
  }
}
