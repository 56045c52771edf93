// Every step that a keyed stage takes in the log is written down by a trigger, so that overlapping ones are seen.
import pg from 'pg';
import { doubled, type Finding, lost, type Verdict, wrong } from './finding.ts';

interface Step {
  readonly stage: string;
  readonly partition: number;
  readonly epoch: number;
  readonly from: number | null;
  readonly to: number | null;
}

/** Before the load begins. The trigger acts as its owner: services have no right to the table. */
export async function recordProgress(databaseUrl: string): Promise<void> {
  await withClient(databaseUrl, (client) => client.query(`
    create schema faults;
    create table faults.steps (id bigint generated always as identity, stage text, partition int, epoch bigint, from_offset bigint, to_offset bigint);
    create function faults.record_step() returns trigger language plpgsql security definer as $$
      begin
        insert into faults.steps (stage, partition, epoch, from_offset, to_offset) values (new.stage, new.partition, new.epoch, old.next_offset, new.next_offset);
        return null;
      end $$;
    create trigger record_step after update on stream.progress for each row
      when (old.next_offset is distinct from new.next_offset or old.epoch <> new.epoch) execute function faults.record_step();`));
}

export async function checkProgress(databaseUrl: string): Promise<Verdict> {
  const steps = await withClient(databaseUrl, async (client) => (await client.query<Step>('select stage, partition, epoch, from_offset as "from", to_offset as "to" from faults.steps order by id')).rows);
  const findings: Finding[] = [];
  for (const [place, own] of Map.groupBy(steps, ({ stage, partition }) => `${stage}/${partition}`)) {
    own.forEach((step, index) => {
      const before = own[index - 1];
      if (before !== undefined && before.to !== step.from) findings.push(wrong(`${place} went on from ${step.from} where it stood at ${before.to}`));
      if (before !== undefined && step.epoch < before.epoch) findings.push(doubled(`${place}: epoch ${step.epoch} committed after epoch ${before.epoch}`));
      if (step.from !== null && step.to === null) findings.push(lost(`${place} forgot where it stood`));
      if (step.from !== null && step.to !== null && step.to < step.from) findings.push(doubled(`${place} went back from ${step.from} to ${step.to}`));
    });
  }
  return { invariants: '8', title: 'offsets are committed in one unbroken line, by one epoch after the other', checked: steps.length, findings };
}

async function withClient<Result>(url: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
