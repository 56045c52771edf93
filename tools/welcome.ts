// What a person sees when everything is ready: where things are, the keys, and what to try next.
import type { Stack } from './stack.ts';

export function welcome({ urls, credentials, env }: Stack, { isDetached }: { isDetached: boolean }): string {
  const lines = ['', 'Tributary is ready.', ''];
  const add = (label: string, value: string | undefined) => value && lines.push(`  ${label.padEnd(14)}${value}`);
  add('console', urls.console);
  if (credentials) add('', `log in as ${credentials.console.email} with ${credentials.console.password}`);
  add('ingestion', urls.ingestion && `${urls.ingestion}   API documentation: ${urls.ingestion}/docs, and so on each service`);
  for (const service of ['consent', 'cleansing', 'scoring', 'segmentation', 'delivery'] as const) add(service, urls[service]);
  add('mailbox', urls.mailbox);
  add('Kafka', env.KAFKA_BROKERS);
  add('PostgreSQL', env.DATABASE_URL);
  if (credentials) {
    lines.push('');
    add('workspace', credentials.workspace);
    add('write key', credentials.writeKey);
    add('admin key', credentials.adminKey);
    add('operator key', credentials.operatorKey);
    lines.push('', '  All keys are in .local/credentials.json. To try next:', '', ...examples(urls, credentials));
  }
  lines.push('', isDetached ? '  npm stop stops it. Logs are in .local/logs.' : '  Ctrl-C stops it. Logs are in .local/logs.', '');
  return lines.join('\n');
}

function examples(urls: Stack['urls'], { writeKey, adminKey }: NonNullable<Stack['credentials']>): string[] {
  const track = JSON.stringify({ userId: '42', event: 'Product Viewed', properties: { product_id: 'p1' } });
  const sentences = urls.ingestion ? [`    curl -u ${writeKey}: -H 'content-type: application/json' ${urls.ingestion}/v1/track -d '${track}'`] : [];
  if (urls.scoring) sentences.push(`    curl -H 'authorization: Bearer ${adminKey}' ${urls.scoring}/v1/profiles/userId:42`);
  if (urls.segmentation) sentences.push(`    curl -H 'authorization: Bearer ${adminKey}' ${urls.segmentation}/v1/profiles/userId:42/segments`);
  sentences.push('    npm run tail      segment changes as they happen');
  return sentences;
}
