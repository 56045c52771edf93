import 'reflect-metadata';
import { Transform, Type } from 'class-transformer';
import { IsEmail, IsIn, IsInt, IsOptional, IsString, IsUrl, Max, Min, MinLength } from 'class-validator';

/** What the console needs. It has no database: what it knows, it asks the services or reads from the log. */
export class ConsoleConfig {
  @Transform(({ value }) => (typeof value === 'string' ? value.split(',').map((broker) => broker.trim()) : value))
  @IsString({ each: true }) KAFKA_BROKERS: string[];

  @IsOptional() @IsIn(['kafkajs', 'platformatic']) KAFKA_CLIENT: 'kafkajs' | 'platformatic' = 'kafkajs';
  @IsOptional() @IsString() TOPIC_PREFIX = '';
  @IsOptional() @IsString() HOST = '127.0.0.1';

  /** Signs session cookies. */
  @IsString() @MinLength(32) TRIBUTARY_SECRET: string;

  /** The one account. Changing the password ends every session. */
  @IsEmail({ require_tld: false }) CONSOLE_EMAIL: string;
  @IsString() @MinLength(8) CONSOLE_PASSWORD: string;

  /** The workspace shown, and its admin key. Left out: both are read from the credentials file, once it is there. */
  @IsOptional() @IsString() CONSOLE_WORKSPACE?: string;
  @IsOptional() @IsString() CONSOLE_ADMIN_KEY?: string;
  @IsOptional() @IsString() TRIBUTARY_CREDENTIALS = '.local/credentials.json';

  /** How browsers reach the console. With https the session cookie is for secure connections only. */
  @IsOptional() @IsUrl({ require_tld: false, require_protocol: true }) CONSOLE_URL?: string;

  /** Reverse proxies in front whose X-Forwarded-For is believed: the login limit counts by the address behind them. */
  @IsOptional() @Type(() => Number) @IsInt() @Min(0) @Max(5) CONSOLE_TRUSTED_PROXIES = 0;

  /** Where the services answer. Left out: on this host, at `<SERVICE>_PORT`. */
  @IsOptional() @IsUrl({ require_tld: false }) INGESTION_URL?: string;
  @IsOptional() @IsUrl({ require_tld: false }) CONSENT_URL?: string;
  @IsOptional() @IsUrl({ require_tld: false }) CLEANSING_URL?: string;
  @IsOptional() @IsUrl({ require_tld: false }) SCORING_URL?: string;
  @IsOptional() @IsUrl({ require_tld: false }) SEGMENTATION_URL?: string;
  @IsOptional() @IsUrl({ require_tld: false }) DELIVERY_URL?: string;

  @IsOptional() @Type(() => Number) @IsInt() @Min(1) @Max(65_535) INGESTION_PORT = 3001;
  @IsOptional() @Type(() => Number) @IsInt() @Min(1) @Max(65_535) CONSENT_PORT = 3002;
  @IsOptional() @Type(() => Number) @IsInt() @Min(1) @Max(65_535) CLEANSING_PORT = 3003;
  @IsOptional() @Type(() => Number) @IsInt() @Min(1) @Max(65_535) SCORING_PORT = 3004;
  @IsOptional() @Type(() => Number) @IsInt() @Min(1) @Max(65_535) SEGMENTATION_PORT = 3005;
  @IsOptional() @Type(() => Number) @IsInt() @Min(1) @Max(65_535) DELIVERY_PORT = 3006;
}
