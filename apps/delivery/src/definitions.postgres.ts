import { openDataSource } from '@tributary/postgres/data-source';
import type { DataSource } from 'typeorm';
import { Automation } from './automations/automation.entity.js';
import { AutomationStore } from './automations/automations.postgres.js';
import { deliverySchema } from './schema.js';
import { Template } from './templates/template.entity.js';
import { TemplateStore } from './templates/templates.postgres.js';

/** What people define: templates and automations, through TypeORM. */
export class Definitions {
  readonly templates: TemplateStore;
  readonly automations: AutomationStore;

  private constructor(private readonly source: DataSource) {
    this.templates = new TemplateStore(source);
    this.automations = new AutomationStore(source);
  }

  static async open(url: string): Promise<Definitions> {
    const { schema, role } = deliverySchema;
    return new Definitions(await openDataSource({ url, schema, role, entities: [Template, Automation] }));
  }

  async close(): Promise<void> {
    await this.source.destroy();
  }
}
