// Who is compared: each is started on an empty broker and an empty database of its own.
import { join } from 'node:path';
import { type Layout, processesOf } from '../../layout.ts';
import { workspace } from '../../preflight.mjs';
import { type Stack, startStack, type StackOptions } from '../../stack.ts';
import { type Child, type ChildPlan, startChild } from './child.ts';
import { buildStreams, startStreams } from './kafka-streams.ts';
import { readSegments } from './windowed-segments.ts';

export interface Running {
  readonly stack: Stack;
  readonly writeKey: string;
  /** Whose CPU counts, by name. */
  pids(): Map<string, number>;
  stop(): Promise<void>;
}

export interface Contestant {
  readonly name: string;
  readonly says: string;
  /** 'segments' are judged against the truth, 'nothing' is decided by empty stages. */
  readonly decides: 'segments' | 'nothing';
  start(options: Pick<StackOptions, 'dir' | 'report' | 'signal'>): Promise<Running>;
}

type StartOptions = Parameters<Contestant['start']>[0];

export const CONTESTANTS: readonly Contestant[] = [
  tributary('compact', 'kafkajs'),
  tributary('services', 'kafkajs'),
  tributary('compact', 'platformatic'),
  streams(100),
  streams(20),
  emptyStages(2),
  emptyStages(5),
  { name: 'naive', says: 'a row per event in PostgreSQL, a query per segment every second', decides: 'segments', start: (options) => withChildren(options, (stack) => [scriptPlan(stack, options, 'naive', 'naive-service.ts')]) },
];

const APPS = ['ingestion', 'consent', 'cleansing', 'scoring', 'segmentation', 'delivery'] as const;

function tributary(layout: Layout, client: 'kafkajs' | 'platformatic'): Contestant {
  return {
    name: `tributary-${layout === 'compact' ? 'compact' : 'six'}${client === 'kafkajs' ? '' : `-${client}`}`,
    says: `the product, ${layout === 'compact' ? 'two processes' : 'six processes'}, ${client}`,
    decides: 'segments',
    async start(options) {
      const stack = await startStack({ ...options, ports: 'free', layout, services: APPS, env: { SMTP_URL: 'smtp://127.0.0.1:9', KAFKA_CLIENT: client } });
      try {
        const { adminKey, writeKey } = stack.credentials as NonNullable<Stack['credentials']>;
        for (const segment of readSegments()) await post(`${stack.urls.segmentation}/v1/segments`, adminKey, segment);
        const names = processesOf(layout, (service) => service !== 'console' && service !== 'mailbox').map(({ name }) => name);
        return { stack, writeKey, pids: () => pidsOf(stack, names), stop: () => stack.stop() };
      } catch (error) {
        await stack.stop();
        throw error;
      }
    },
  };
}

function streams(commitMs: number): Contestant {
  return {
    name: `kafka-streams-${commitMs}`,
    says: `Kafka Streams by hand, exactly once, commits every ${commitMs} ms`,
    decides: 'segments',
    async start(options) {
      await buildStreams();
      return withChildren(options, (stack) => [() => startStreams({ brokers: stack.env['KAFKA_BROKERS'] as string, dir: options.dir, commitMs })]);
    },
  };
}

/** The topics are those of the product, so that their number of partitions and their configuration are. */
function emptyStages(count: 2 | 5): Contestant {
  const topics = count === 2 ? ['inbound.events', 'events.cleansed', 'segments.changed'] : ['inbound.events', 'events.received', 'events.consented', 'events.cleansed', 'profiles.scored', 'segments.changed'];
  return {
    name: `empty-${count}`,
    says: `${count} empty stages, frames between them, kafkajs: the limit of the shape`,
    decides: 'nothing',
    start: (options) => withChildren(options, (stack) => topics.slice(1).map((to, index) => {
      const mode = index === 0 ? 'pack' : index === count - 1 ? 'unpack' : 'pass';
      return scriptPlan(stack, options, `empty-${index}`, 'empty-stage.ts', mode, topics[index] as string, to);
    })),
  };
}

type Start = () => Promise<Child>;

function scriptPlan({ env }: Stack, { dir }: StartOptions, name: string, script: string, ...args: string[]): Start {
  const plan: ChildPlan = { name, command: process.execPath, args: [join(workspace, 'tools', 'bench', 'side-by-side', script), ...args], env, logFile: join(dir, 'logs', `${name}.log`) };
  return () => startChild(plan);
}

/** The servers alone, and processes beside them. */
async function withChildren(options: StartOptions, plan: (stack: Stack) => readonly Start[]): Promise<Running> {
  const stack = await startStack({ ...options, ports: 'free', services: [] });
  const children: Child[] = [];
  const stop = async (): Promise<void> => {
    for (const child of children) await child.stop();
    await stack.stop();
  };
  try {
    for (const start of plan(stack)) children.push(await start());
  } catch (error) {
    await stop();
    throw error;
  }
  return { stack, writeKey: 'none', pids: () => new Map([...pidsOf(stack, []), ...children.map(({ name, pid }) => [name, pid] as const)]), stop };
}

function pidsOf(stack: Stack, names: readonly string[]): Map<string, number> {
  return new Map([...[...names, 'kafka', 'postgres'].map((name) => [name, stack.process(name).pid as number] as const), ['generator', process.pid]]);
}

async function post(url: string, key: string, body: object): Promise<void> {
  const response = await fetch(url, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify(body) });
  if (response.status !== 201) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
}
