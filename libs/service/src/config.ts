import 'reflect-metadata';
import { plainToInstance, Transform, Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, IsUrl, Max, Min, MinLength, validateSync } from 'class-validator';

/** What every process needs. A service extends it with its own fields (`<app>.config.ts`). */
export class ServiceConfig {
  @IsString() @MinLength(1) DATABASE_URL: string;

  @Transform(({ value }) => (typeof value === 'string' ? value.split(',').map((broker) => broker.trim()) : value))
  @IsString({ each: true }) KAFKA_BROKERS: string[];

  @IsOptional() @IsString() KAFKA_CLIENT: 'kafkajs' | 'platformatic' = 'kafkajs';

  /** Prefix of every topic and consumer group, so that several installations can share a cluster. */
  @IsOptional() @IsString() TOPIC_PREFIX = '';

  /** Signs what one service tells another through the inlet. */
  @IsString() @MinLength(32) TRIBUTARY_SECRET: string;

  /** Makes workspaces. */
  @IsString() @MinLength(16) OPERATOR_KEY: string;

  /** Where services listen. */
  @IsOptional() @IsString() HOST = '127.0.0.1';

  /** Partitions of profile topics: a divisor of 256. Fixed once topics exist. */
  @IsOptional() @Type(() => Number) @IsInt() @Min(1) @Max(256) PARTITIONS = 4;

  /** Partitions of inbound.events. */
  @IsOptional() @Type(() => Number) @IsInt() @Min(1) @Max(256) INLET_PARTITIONS = 4;

  /** Copies of each partition that the broker keeps. */
  @IsOptional() @Type(() => Number) @IsInt() @Min(1) @Max(5) REPLICATION_FACTOR = 1;

  /** Requests of one admin key over HTTP, steadily, at each process; twice as many at once after a rest. 0: no limit. */
  @IsOptional() @Type(() => Number) @IsInt() @Min(0) ADMIN_KEY_REQUESTS_PER_SECOND = 1_000;

  /**
   * Addresses or networks, comma-separated, of proxies in front of the services: whoever they name in X-Forwarded-For is
   * the caller. Others could name anybody.
   */
  @IsOptional() @IsString() TRUSTED_PROXIES?: string;

  /** What browsers and mail clients call: the base of links in e-mails. */
  @IsOptional() @IsUrl({ require_tld: false }) PUBLIC_URL?: string;
}

/**
 * Reads the environment once into one typed object.
 * @throws Error naming every variable that is missing or wrong, in one message
 */
export function readConfig<Config extends object>(type: new () => Config, env: NodeJS.ProcessEnv = process.env): Config {
  const config = plainToInstance(type, env, { exposeDefaultValues: true });
  const wrong = validateSync(config, { whitelist: false });
  if (wrong.length > 0) {
    const lines = wrong.map((error) => `  ${error.property}: ${Object.values(error.constraints ?? {}).join('; ')}`);
    throw new Error(`The environment is not complete. Set:\n${lines.join('\n')}`);
  }
  return config;
}

/** The port of a service from its variable, e.g. `INGESTION_PORT`. */
export function portOf(variable: string, fallback: number): number {
  const port = Number(process.env[variable] ?? fallback);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`${variable} must be a port number`);
  return port;
}
