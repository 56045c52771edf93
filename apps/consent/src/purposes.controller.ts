import { Body, Controller, Get, Param, Put, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { isPurpose, type PurposePolicy } from '@tributary/domain/consent/policy';
import { AdminKeyGuard, Workspace } from '@tributary/service/admin-key-guard';
import { Problem } from '@tributary/service/problem';
import { IsIn } from 'class-validator';
import { type Purpose, Purposes } from './purposes.postgres.js';

export class PurposeBody {
  @ApiProperty({ enum: ['opt-in', 'opt-out'], description: 'opt-out: allowed until withdrawn; opt-in: not before granted.' })
  @IsIn(['opt-in', 'opt-out']) policy: PurposePolicy;
}

/** What data may be wanted for, and what holds where a person has said nothing. */
@ApiTags('purposes')
@ApiBearerAuth()
@UseGuards(AdminKeyGuard)
@Controller('v1/purposes')
export class PurposesController {
  constructor(private readonly purposes: Purposes) {}

  @Get()
  @ApiOperation({ summary: 'All purposes of the workspace with their policies' })
  async list(@Workspace() workspace: string): Promise<{ purposes: readonly Purpose[]; cursor: null }> {
    return { purposes: await this.purposes.list(workspace), cursor: null };
  }

  @Put(':purpose')
  @ApiOperation({ summary: 'Define a purpose, or change its policy' })
  async define(@Workspace() workspace: string, @Param('purpose') purpose: string, @Body() body: PurposeBody): Promise<Purpose> {
    if (!isPurpose(purpose)) throw new Problem(400, 'malformed_purpose', 'A purpose has 1 to 100 of a-z, 0-9, - and _.');
    return this.purposes.define(workspace, purpose, body.policy);
  }
}
