import { portOf, ServiceConfig } from '@tributary/service/config';
import { Transform, Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Matches, Max, Min, MinLength } from 'class-validator';

/** What delivery needs beside what every service needs. */
export class DeliveryConfig extends ServiceConfig {
  /** Where mail goes; by default the development mailbox. */
  @IsOptional() @IsString() @Matches(/^smtps?:\/\//, { message: 'SMTP_URL must begin with smtp:// or smtps://' })
  SMTP_URL?: string;

  @IsOptional() @IsString() @Matches(/^[^@<>\r\n]+@[^@<>\s]+$|^[^<>\r\n]*<[^@<>\s]+@[^@<>\s]+>$/, { message: 'MAIL_FROM must be an address, or "Name <address>"' })
  MAIL_FROM = 'Tributary <mail@tributary.example>';

  /** Opens, clicks and visits to unsubscribe from one address, steadily, at each process; twice as many at once after a rest. 0: no limit. */
  @IsOptional() @Type(() => Number) @IsInt() @Min(0) TRACKING_REQUESTS_PER_SECOND = 200;

  /** Mails handed over at the same time, by each process. */
  @IsOptional() @Type(() => Number) @IsInt() @Min(1) @Max(64) SEND_CONCURRENCY = 8;

  /**
   * Former values of TRIBUTARY_SECRET, comma-separated: links in mails that were signed with them go on working. To
   * rotate, put the old value here and the new one there.
   */
  @IsOptional()
  @Transform(({ value }) => (typeof value === 'string' ? value.split(',').filter((secret) => secret !== '') : value))
  @IsString({ each: true }) @MinLength(32, { each: true }) TRIBUTARY_SECRET_PREVIOUS: string[] = [];
}

/** SMTP_URL, or the development mailbox on this machine. */
export function smtpUrlOf(config: DeliveryConfig): string {
  return config.SMTP_URL ?? `smtp://127.0.0.1:${portOf('MAILBOX_SMTP_PORT', 1025)}`;
}

/** The base of links in mails, without a slash at its end. */
export function publicUrlOf(config: DeliveryConfig): string {
  return (config.PUBLIC_URL ?? `http://127.0.0.1:${portOf('DELIVERY_PORT', 3006)}`).replace(/\/+$/, '');
}
