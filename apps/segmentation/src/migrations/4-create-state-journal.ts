import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What was applied to large states since they were last stored whole. */
export class CreateStateJournal4 implements MigrationInterface {
  name = 'CreateStateJournal1700000000004';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table segmentation.state_journal (
        profile_id uuid not null,
        number int not null,
        chunk bytea not null,
        primary key (profile_id, number)
      )`);
    // Both are small numbers packed tightly: compressing them costs more than it saves.
    await runner.query('alter table segmentation.state_journal alter column chunk set storage external');
    await runner.query('alter table segmentation.profiles alter column state set storage external');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table segmentation.profiles alter column state set storage main; drop table segmentation.state_journal');
  }
}
