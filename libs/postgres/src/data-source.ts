import { DataSource, type EntitySchema, type MixedList } from 'typeorm';

/** For definitions (what people write now and then). The hot path uses the pool and `unnest` batches. */
export interface DataSourceOptions {
  readonly url: string;
  readonly schema: string;
  readonly role: string;
  readonly entities: MixedList<EntitySchema | (new () => object)>;
}

const DEFINITION_CONNECTIONS_MAX = 4;

/** An initialized TypeORM data source that acts as the service's role. */
export async function openDataSource({ url, schema, role, entities }: DataSourceOptions): Promise<DataSource> {
  const source = new DataSource({
    type: 'postgres',
    url,
    schema,
    entities: entities as [],
    applicationName: `${role}:definitions`,
    extra: { max: DEFINITION_CONNECTIONS_MAX, options: `-c role=${role} -c search_path=${schema}` },
  });
  return source.initialize();
}
