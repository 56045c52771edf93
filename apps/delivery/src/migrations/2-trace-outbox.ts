import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A decision carries the trace context of the change that occasioned it. */
export class TraceOutbox1700000000002 implements MigrationInterface {
  name = 'TraceOutbox1700000000002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table delivery.outbox add column traceparent text');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table delivery.outbox drop column traceparent');
  }
}
