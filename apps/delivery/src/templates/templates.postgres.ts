import { notFound, Problem } from '@tributary/service/problem';
import type { DataSource, Repository } from 'typeorm';
import { Template } from './template.entity.js';

/** What is stored with a save; version and times are the store's. */
export type TemplateContent = Omit<Template, 'workspace' | 'key' | 'version' | 'createdMs' | 'updatedMs'>;

const UNIQUE_VIOLATION = '23505';
const FOREIGN_KEY_VIOLATION = '23503';

export class TemplateStore {
  readonly #templates: Repository<Template>;

  constructor(private readonly source: DataSource) {
    this.#templates = source.getRepository(Template);
  }

  /** @throws Problem 409 when the key is taken */
  async create(workspace: string, key: string, content: TemplateContent, nowMs: number): Promise<Template> {
    const template = this.#templates.create({ ...content, workspace, key, version: 1, createdMs: nowMs, updatedMs: nowMs });
    try {
      await this.#templates.insert(template);
      return template;
    } catch (error) {
      if (codeOf(error) === UNIQUE_VIOLATION) throw new Problem(409, 'duplicate_key', `There is a template "${key}" already; PUT changes it.`);
      throw error;
    }
  }

  /** @throws Problem 404 */
  async replace(workspace: string, key: string, content: TemplateContent, nowMs: number): Promise<Template> {
    return this.source.transaction(async (manager) => {
      const template = await manager.findOne(Template, { where: { workspace, key }, lock: { mode: 'pessimistic_write' } });
      if (template === null) throw notFound('template');
      return manager.save(Object.assign(template, content, { version: template.version + 1, updatedMs: nowMs }));
    });
  }

  /** @throws Problem 404; 409 while an automation uses it */
  async delete(workspace: string, key: string): Promise<void> {
    try {
      const { affected } = await this.#templates.delete({ workspace, key });
      if (affected === 0) throw notFound('template');
    } catch (error) {
      if (codeOf(error) === FOREIGN_KEY_VIOLATION) throw new Problem(409, 'in_use', `An automation sends the template "${key}"; change or delete that first.`);
      throw error;
    }
  }

  /** @throws Problem 404 */
  async get(workspace: string, key: string): Promise<Template> {
    const template = await this.#templates.findOneBy({ workspace, key });
    if (template === null) throw notFound('template');
    return template;
  }

  /** In the order of their keys, behind `afterKey`. */
  async list(workspace: string, limit: number, afterKey: string): Promise<Template[]> {
    return this.#templates
      .createQueryBuilder('template')
      .where('template.workspace = :workspace and template.key collate "C" > :afterKey', { workspace, afterKey })
      .orderBy('template.key collate "C"')
      .take(limit)
      .getMany();
  }

  /** In the order asked for; each template is read once. */
  async findMany(refs: readonly { readonly workspace: string; readonly key: string }[]): Promise<(Template | null)[]> {
    const distinct = [...new Map(refs.map((ref) => [idOf(ref), { workspace: ref.workspace, key: ref.key }])).values()];
    if (distinct.length === 0) return [];
    const found = new Map((await this.#templates.findBy(distinct)).map((template) => [idOf(template), template]));
    return refs.map((ref) => found.get(idOf(ref)) ?? null);
  }
}

const idOf = ({ workspace, key }: { readonly workspace: string; readonly key: string }): string => JSON.stringify([workspace, key]);

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;
