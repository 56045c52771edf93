import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What became known of a profile while the state of one that was merged into it is on its way: applied once that is here. */
export class CreateHeld3 implements MigrationInterface {
  name = 'CreateHeld1700000000003';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table segmentation.held (
        workspace text not null,
        profile_id uuid not null,
        entries jsonb not null,
        primary key (workspace, profile_id)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table segmentation.held');
  }
}
