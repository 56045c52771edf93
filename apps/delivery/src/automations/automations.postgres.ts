import { randomUUID } from 'node:crypto';
import { notFound, Problem, refused } from '@tributary/service/problem';
import type { DataSource, EntityManager, Repository } from 'typeorm';
import { Automation } from './automation.entity.js';

export type AutomationContent = Omit<Automation, 'id' | 'workspace' | 'key' | 'actsSinceMs' | 'createdMs' | 'updatedMs'>;

const UNIQUE_VIOLATION = '23505';
const FOREIGN_KEY_VIOLATION = '23503';

export class AutomationStore {
  readonly #automations: Repository<Automation>;

  constructor(private readonly source: DataSource) {
    this.#automations = source.getRepository(Automation);
  }

  /**
   * From its commit on, changes are matched with it. With `includeExisting`, who is in the segment now is claimed in the
   * same transaction.
   * @throws Problem 409 when the key is taken; 422 for an unknown template
   */
  async create(workspace: string, key: string, content: AutomationContent, nowMs: number): Promise<Automation> {
    return this.#change(workspace, key, content, async (manager) => {
      const automation = manager.create(Automation, { ...content, id: randomUUID(), workspace, key, actsSinceMs: nowMs, createdMs: nowMs, updatedMs: nowMs });
      await manager.insert(Automation, automation);
      if (content.includeExisting && content.on === 'entered') await claimExisting(manager, automation, nowMs);
      return automation;
    });
  }

  /** Another segment or direction: only changes from now on count. @throws Problem 404, 422 */
  async replace(workspace: string, key: string, content: AutomationContent, nowMs: number): Promise<Automation> {
    return this.#change(workspace, key, content, async (manager) => {
      const automation = await manager.findOne(Automation, { where: { workspace, key }, lock: { mode: 'pessimistic_write' } });
      if (automation === null) throw notFound('automation');
      const listensAnew = automation.segment !== content.segment || automation.on !== content.on;
      return manager.save(Object.assign(automation, content, { updatedMs: nowMs, actsSinceMs: listensAnew ? nowMs : automation.actsSinceMs }));
    });
  }

  /** What it has claimed and not sent yet is not sent. @throws Problem 404 */
  async delete(workspace: string, key: string): Promise<void> {
    await this.source.transaction(async (manager) => {
      const { affected } = await manager.delete(Automation, { workspace, key });
      if (affected === 0) throw notFound('automation');
      await bumpVersion(manager, workspace);
    });
  }

  /** @throws Problem 404 */
  async get(workspace: string, key: string): Promise<Automation> {
    const automation = await this.#automations.findOneBy({ workspace, key });
    if (automation === null) throw notFound('automation');
    return automation;
  }

  /** In the order of their keys, behind `afterKey`. */
  async list(workspace: string, limit: number, afterKey: string): Promise<Automation[]> {
    return this.#automations
      .createQueryBuilder('automation')
      .where('automation.workspace = :workspace and automation.key collate "C" > :afterKey', { workspace, afterKey })
      .orderBy('automation.key collate "C"')
      .take(limit)
      .getMany();
  }

  async #change(workspace: string, key: string, content: AutomationContent, work: (manager: EntityManager) => Promise<Automation>): Promise<Automation> {
    try {
      return await this.source.transaction(async (manager) => {
        const automation = await work(manager);
        await bumpVersion(manager, workspace);
        return automation;
      });
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      if (code === UNIQUE_VIOLATION) throw new Problem(409, 'duplicate_key', `There is an automation "${key}" already; PUT changes it.`);
      if (code === FOREIGN_KEY_VIOLATION) throw refused([{ pointer: '/template', code: 'unknown_template', detail: `There is no template "${content.template}"; make it first.` }]);
      throw error;
    }
  }
}

/** Tells every process's stage, at its next batch, to read the workspace's automations anew. */
async function bumpVersion(manager: EntityManager, workspace: string): Promise<void> {
  await manager.query(
    `insert into delivery.automation_versions as v (workspace, version) values ($1, 1)
      on conflict (workspace) do update set version = v.version + 1`,
    [workspace],
  );
}

/** Members of the segment as they are, each with sequence 0 and the instant of the entry. */
async function claimExisting(manager: EntityManager, automation: Automation, nowMs: number): Promise<void> {
  await manager.query(
    `insert into delivery.sends (workspace, automation_id, automation, template, purpose, once, profile_id, change_sequence, effective_ms,
        change, next_attempt_ms, claimed_ms)
      select $1, $2::uuid, $3, $4, $5, $6, m.profile_id, 0, m.since_ms,
        jsonb_build_object('segment', m.segment, 'change', 'entered', 'cause', 'backfill',
          'effectiveAt', to_char(timestamp 'epoch' + m.since_ms * interval '1 millisecond', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')),
        $7::bigint, $7::bigint
      from segmentation.members m where m.workspace = $1 and m.segment = $8`,
    [automation.workspace, automation.id, automation.key, automation.template, automation.purpose, automation.once, nowMs, automation.segment],
  );
}
