import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiConsumes, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { AdminKeyGuard, Workspace } from '@tributary/service/admin-key-guard';
import { decodeCursor, encodeCursor, parseLimit } from '@tributary/service/page';
import { notFound, Problem } from '@tributary/service/problem';
import { IsString, Length, Matches } from 'class-validator';
import { ListUploads } from './list-uploads.js';
import { type ListRow, ListsStore } from './lists.postgres.js';
import { readMembersChange } from './read-members-change.js';
import { toIso } from './show-segment.js';

export class CreateListBody {
  @ApiProperty() @Matches(/^[a-z0-9-]{1,100}$/, { message: 'key is 1 to 100 of a–z, 0–9 and -' }) key: string;

  @ApiProperty() @IsString() @Length(1, 200) name: string;
}

@ApiTags('lists')
@ApiBearerAuth()
@UseGuards(AdminKeyGuard)
@Controller('v1/lists')
export class ListsController {
  constructor(private readonly lists: ListsStore, private readonly uploads: ListUploads) {}

  @Post()
  @ApiOperation({ summary: 'Make a static list, with nobody on it yet' })
  async create(@Workspace() workspace: string, @Body() { key, name }: CreateListBody): Promise<object> {
    if (!(await this.lists.create(workspace, key, name))) throw new Problem(409, 'duplicate_key', `There is a list "${key}" already; choose another key.`);
    return this.find(workspace, key);
  }

  @Get()
  @ApiOperation({ summary: 'All static lists, by key' })
  async list(@Workspace() workspace: string, @Query('limit') limit?: string, @Query('cursor') cursor?: string): Promise<object> {
    const size = parseLimit(limit);
    const page = await this.lists.page(workspace, (decodeCursor(cursor, ['string'])?.[0] ?? null) as string | null, size);
    return { lists: page.map(showList), cursor: page.length === size ? encodeCursor([(page[page.length - 1] as ListRow).key]) : null };
  }

  @Get(':key')
  @ApiOperation({ summary: 'One static list and how many are on it' })
  async find(@Workspace() workspace: string, @Param('key') key: string): Promise<object> {
    const list = await this.lists.find(workspace, key);
    if (list === null) throw notFound('list with this key');
    return showList(list);
  }

  @Put(':key/members')
  @ApiConsumes('application/json', 'text/csv')
  @ApiOperation({ summary: 'Put people on a list: {"add": […], "remove": […]} or a CSV with the column "ref"; with ?replace=true all others leave' })
  async change(@Workspace() workspace: string, @Param('key') key: string, @Body() body: unknown, @Query('replace') replace?: string): Promise<object> {
    if (replace !== undefined && replace !== 'true' && replace !== 'false') throw new Problem(400, 'malformed_replace', 'replace is "true" or "false".');
    return this.uploads.change(workspace, key, readMembersChange(body, replace === 'true'));
  }

  @Delete(':key')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete a list that no segment uses' })
  async delete(@Workspace() workspace: string, @Param('key') key: string): Promise<void> {
    await this.uploads.delete(workspace, key);
  }
}

function showList({ key, name, count, createdMs }: ListRow): object {
  return { key, name, count, createdAt: toIso(createdMs) };
}
