import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiProperty, ApiPropertyOptional, ApiResponse, ApiTags } from '@nestjs/swagger';
import { AdminKeyGuard, Workspace } from '@tributary/service/admin-key-guard';
import { decodeCursor, encodeCursor, parseLimit } from '@tributary/service/page';
import { refused } from '@tributary/service/problem';
import { IsBoolean, IsIn, IsOptional, IsString, Matches } from 'class-validator';
import { SendLoop } from '../sends/send-loop.js';
import type { Automation } from './automation.entity.js';
import { type AutomationContent, AutomationStore } from './automations.postgres.js';

const KEY = /^[a-z0-9-]{1,100}$/;
const KEY_MESSAGE = '$property must be 1 to 100 of a-z, 0-9 and hyphen';

class AutomationContentBody {
  @ApiProperty({ description: 'Key of a segment.' }) @Matches(KEY, { message: KEY_MESSAGE }) segment: string;
  @ApiProperty({ enum: ['entered', 'left'] }) @IsIn(['entered', 'left']) on: 'entered' | 'left';
  @ApiProperty({ description: 'Key of a template.' }) @Matches(KEY, { message: KEY_MESSAGE }) template: string;
  @ApiProperty({ example: 'email_marketing', description: 'What a person must have agreed to.' })
  @Matches(/^[a-z0-9_-]{1,100}$/, { message: 'purpose must be 1 to 100 of a-z, 0-9, _ and -' }) purpose: string;
  @ApiPropertyOptional({ default: false, description: 'To each person once, not at each entry.' }) @IsOptional() @IsBoolean() once?: boolean;
  @ApiPropertyOptional({ default: false, description: 'Also to those who are in the segment when the automation is made.' })
  @IsOptional() @IsBoolean() includeExisting?: boolean;
}

class NewAutomationBody extends AutomationContentBody {
  @ApiProperty() @Matches(KEY, { message: KEY_MESSAGE }) key: string;
}

class ReplaceAutomationBody extends AutomationContentBody {
  @ApiPropertyOptional({ description: 'If given, the key in the address.' }) @IsOptional() @IsString() key?: string;
}

@ApiTags('automations')
@ApiBearerAuth()
@UseGuards(AdminKeyGuard)
@Controller('v1/automations')
export class AutomationsController {
  constructor(
    private readonly automations: AutomationStore,
    private readonly sender: SendLoop,
  ) {}

  @Post()
  @ApiOperation({ summary: 'From now on, send a template to whoever enters (or leaves) a segment.' })
  @ApiResponse({ status: 201 }) @ApiResponse({ status: 409 }) @ApiResponse({ status: 422 })
  async create(@Workspace() workspace: string, @Body() body: NewAutomationBody): Promise<object> {
    const automation = await this.automations.create(workspace, body.key, toContent(body), Date.now());
    this.sender.wake();
    return showAutomation(automation);
  }

  @Get()
  @ApiOperation({ summary: 'Automations in the order of their keys.' })
  async list(@Workspace() workspace: string, @Query('limit') limitText?: string, @Query('cursor') cursorText?: string): Promise<object> {
    const limit = parseLimit(limitText);
    const automations = await this.automations.list(workspace, limit, String(decodeCursor(cursorText, ['string'])?.[0] ?? ''));
    return { automations: automations.map(showAutomation), cursor: automations.length < limit ? null : encodeCursor([(automations.at(-1) as Automation).key]) };
  }

  @Get(':key')
  @ApiOperation({ summary: 'An automation.' })
  async get(@Workspace() workspace: string, @Param('key') key: string): Promise<object> {
    return showAutomation(await this.automations.get(workspace, key));
  }

  @Put(':key')
  @ApiOperation({ summary: 'Replace an automation. With another segment or direction, only changes from now on count.' })
  async replace(@Workspace() workspace: string, @Param('key') key: string, @Body() body: ReplaceAutomationBody): Promise<object> {
    if (body.key !== undefined && body.key !== key) throw refused([{ pointer: '/key', code: 'key_is_fixed', detail: 'A key cannot be changed; make another automation.' }]);
    return showAutomation(await this.automations.replace(workspace, key, toContent(body), Date.now()));
  }

  @Delete(':key')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete an automation; what it has not sent yet is not sent.' })
  @ApiResponse({ status: 204 })
  async delete(@Workspace() workspace: string, @Param('key') key: string): Promise<void> {
    await this.automations.delete(workspace, key);
  }
}

function toContent({ segment, on, template, purpose, once = false, includeExisting = false }: AutomationContentBody): AutomationContent {
  return { segment, on, template, purpose, once, includeExisting };
}

function showAutomation({ key, segment, on, template, purpose, once, includeExisting, createdMs, updatedMs }: Automation): object {
  return { key, segment, on, template, purpose, once, includeExisting, createdAt: new Date(createdMs).toISOString(), updatedAt: new Date(updatedMs).toISOString() };
}
