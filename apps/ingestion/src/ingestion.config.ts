import { ServiceConfig } from '@tributary/service/config';
import { Transform, Type } from 'class-transformer';
import { IsBoolean, IsInt, IsOptional, Max, Min } from 'class-validator';

export class IngestionConfig extends ServiceConfig {
  /** Whether header `source-id` names the source: only where Kafka's ACLs keep others from writing to the inlet. */
  @IsOptional() @Transform(({ value }) => value === true || value === 'true') @IsBoolean() TRUST_SOURCE_ID = false;

  /** Events of one write key over HTTP, steadily, at each process; twice as many at once after a rest. 0: no limit. */
  @IsOptional() @Type(() => Number) @IsInt() @Min(0) WRITE_KEY_EVENTS_PER_SECOND = 50_000;

  /** For how long message ids and facts are remembered at least. */
  @IsOptional() @Type(() => Number) @IsInt() @Min(1) @Max(3_650) SEEN_DAYS = 30;
}
