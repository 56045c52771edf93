import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiProperty, ApiPropertyOptional, ApiResponse, ApiTags } from '@nestjs/swagger';
import { AdminKeyGuard, Workspace } from '@tributary/service/admin-key-guard';
import { decodeCursor, encodeCursor, parseLimit } from '@tributary/service/page';
import { refused } from '@tributary/service/problem';
import { ArrayMaxSize, IsArray, IsIn, IsOptional, IsString, Length, Matches, MaxLength } from 'class-validator';
import { compileTemplate } from './compile-template.js';
import { PreviewMaker } from './preview-maker.js';
import type { Template } from './template.entity.js';
import { type TemplateContent, TemplateStore } from './templates.postgres.js';

const BODY_LENGTH_MAX = 400_000;
const LINE_LENGTH_MAX = 2_000;
const REQUIRED_MAX = 50;

class TemplateContentBody {
  @ApiProperty() @IsString() @Length(1, 200) name: string;
  @ApiProperty({ enum: ['mjml', 'html'] }) @IsIn(['mjml', 'html']) format: 'mjml' | 'html';
  @ApiProperty({ enum: ['liquid', 'handlebars'] }) @IsIn(['liquid', 'handlebars']) language: 'liquid' | 'handlebars';
  @ApiProperty({ description: 'One line; values are not escaped in it.' }) @IsString() @Length(1, LINE_LENGTH_MAX) subject: string;
  @ApiPropertyOptional({ description: 'What mail programs show beside the subject; hidden in the mail.' })
  @IsOptional() @IsString() @MaxLength(LINE_LENGTH_MAX) preheader?: string | null;
  @ApiProperty({ description: 'MJML or HTML; values are HTML-escaped.' }) @IsString() @Length(1, BODY_LENGTH_MAX) body: string;
  @ApiPropertyOptional({ description: 'The plain-text part; made from the HTML where it is left out.' })
  @IsOptional() @IsString() @MaxLength(BODY_LENGTH_MAX) text?: string | null;
  @ApiPropertyOptional({ type: [String], description: 'Paths without which nobody is written to (missing_data), e.g. profile.firstName.' })
  @IsOptional() @IsArray() @ArrayMaxSize(REQUIRED_MAX) @IsString({ each: true })
  @Matches(/^(profile|computed|scores|event|cluster)(\.[^.\s]{1,100}){0,10}$/, { each: true, message: 'each must be a path such as profile.firstName' })
  required?: string[];
}

class NewTemplateBody extends TemplateContentBody {
  @ApiProperty() @Matches(/^[a-z0-9-]{1,100}$/, { message: 'key must be 1 to 100 of a-z, 0-9 and hyphen' }) key: string;
}

class ReplaceTemplateBody extends TemplateContentBody {
  @ApiPropertyOptional({ description: 'If given, the key in the address.' }) @IsOptional() @IsString() key?: string;
}

class PreviewBody {
  @ApiProperty({ description: 'A profile id, or type:value.' }) @IsString() @Length(1, 1_024) profile: string;
}

@ApiTags('templates')
@ApiBearerAuth()
@UseGuards(AdminKeyGuard)
@Controller('v1/templates')
export class TemplatesController {
  constructor(
    private readonly templates: TemplateStore,
    private readonly previews: PreviewMaker,
  ) {}

  @Post()
  @ApiOperation({ summary: 'Make a template. It is compiled and tried at once; what is wrong is answered with its place.' })
  @ApiResponse({ status: 201 }) @ApiResponse({ status: 409 }) @ApiResponse({ status: 422 })
  async create(@Workspace() workspace: string, @Body() body: NewTemplateBody): Promise<object> {
    return showTemplate(await this.templates.create(workspace, body.key, await toContent(body), Date.now()));
  }

  @Get()
  @ApiOperation({ summary: 'Templates in the order of their keys.' })
  async list(@Workspace() workspace: string, @Query('limit') limitText?: string, @Query('cursor') cursorText?: string): Promise<object> {
    const limit = parseLimit(limitText);
    const templates = await this.templates.list(workspace, limit, String(decodeCursor(cursorText, ['string'])?.[0] ?? ''));
    return { templates: templates.map(showTemplate), cursor: templates.length < limit ? null : encodeCursor([(templates.at(-1) as Template).key]) };
  }

  @Get(':key')
  @ApiOperation({ summary: 'A template.' })
  async get(@Workspace() workspace: string, @Param('key') key: string): Promise<object> {
    return showTemplate(await this.templates.get(workspace, key));
  }

  @Put(':key')
  @ApiOperation({ summary: 'Replace a template: its next version. Mails that wait are sent with it.' })
  async replace(@Workspace() workspace: string, @Param('key') key: string, @Body() body: ReplaceTemplateBody): Promise<object> {
    if (body.key !== undefined && body.key !== key) throw refused([{ pointer: '/key', code: 'key_is_fixed', detail: 'A key cannot be changed; make another template.' }]);
    await this.templates.get(workspace, key);
    return showTemplate(await this.templates.replace(workspace, key, await toContent(body), Date.now()));
  }

  @Delete(':key')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete a template that no automation uses.' })
  @ApiResponse({ status: 204 }) @ApiResponse({ status: 409 })
  async delete(@Workspace() workspace: string, @Param('key') key: string): Promise<void> {
    await this.templates.delete(workspace, key);
  }

  @Post(':key/preview')
  @HttpCode(200)
  @ApiOperation({ summary: 'The mail as one person would get it now: {subject, preheader, html, text, missing, warnings}. Nothing is sent or recorded.' })
  async preview(@Workspace() workspace: string, @Param('key') key: string, @Body() body: PreviewBody): Promise<object> {
    return this.previews.make(await this.templates.get(workspace, key), body.profile);
  }
}

async function toContent(body: TemplateContentBody): Promise<TemplateContent> {
  const { name, format, language, subject, body: source, preheader = null, text = null, required = [] } = body;
  const content = { name, format, language, subject, preheader, body: source, text };
  return { ...content, required, ...(await compileTemplate(content)) };
}

function showTemplate({ key, name, format, language, subject, preheader, body, text, required, version, warnings, createdMs, updatedMs }: Template): object {
  return {
    key, name, format, language, subject, preheader, body, text, required, version, warnings,
    createdAt: new Date(createdMs).toISOString(), updatedAt: new Date(updatedMs).toISOString(),
  };
}
