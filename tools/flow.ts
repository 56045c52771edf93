// npm run flow: the whole system as a picture of text, from the same data that makes its topics.
import { flow, parkedTopic } from '@tributary/contracts/topics/flow';
import { inboundEvents } from '@tributary/contracts/topics/inbound-events';
import type { Topic } from '@tributary/contracts/topics/topic';

const PARTITIONS = { inlet: 'INLET_PARTITIONS', profiles: 'PARTITIONS', one: '1' } as const;
const readers = Map.groupBy(flow, ({ reads }) => reads.name);

console.log(`  collector, webhooks, upstream applications, other services\n    │\n    ▼\n  ${describe(inboundEvents)}`);
for (const { name, writes } of flow) {
  const next = writes.find((topic) => readers.has(topic.name));
  const beside = [...writes.filter((topic) => topic !== next), parkedTopic(name)];
  console.log('    │\n    ▼');
  console.log(`┌─${'─'.repeat(14)}─┐`);
  beside.forEach((topic, index) => {
    const box = index === 0 ? `│ ${name.toUpperCase().padEnd(14)} ├──${beside.length > 1 ? '┬' : '─'}` : `${index === 1 ? `└─${'─'.repeat(14)}─┘` : ' '.repeat(18)}  ${index < beside.length - 1 ? '├' : '└'}`;
    console.log(`${box}──▶ ${describe(topic)}`);
  });
  if (beside.length === 1) console.log(`└─${'─'.repeat(14)}─┘`);
  if (next !== undefined) console.log(`    │\n    ▼\n  ${describe(next)}`);
}
console.log('\n  ticks, merged state, consents, opens and clicks come back in through inbound.events.');

function describe({ name, carries, partitions }: Topic): string {
  return `${name.padEnd(20)} ${carries === 'frames' ? 'frames ' : 'records'}  × ${PARTITIONS[partitions]}`;
}
