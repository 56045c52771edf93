// gRPC IsMember: an open loop for latency, a closed one for calls a second of a core of the process that answers.
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import * as protoLoader from '@grpc/proto-loader';
import { build } from 'hdr-histogram-js';
import { workspace as root } from '../../preflight.mjs';
import type { Stack } from '../../stack.ts';
import { cpuSecondsOf, cpuShare } from '../measure-cpu.ts';
import { percentilesOf } from '../read-changes.ts';
import { randomOf, type Workload } from '../workload.ts';

const PER_SECOND = 3_000;
const CALLERS = 64;
const WARM_UP_S = 3;

interface Client {
  IsMember(question: { profile: string; segment: string }, metadata: grpc.Metadata, done: (error: Error | null, answer: { member: boolean }) => void): void;
  close(): void;
}

export async function measureQuestions({ stack, workload, seconds, say }: { readonly stack: Stack; readonly workload: Workload; readonly seconds: number; readonly say: (line: string) => void }) {
  const definition = protoLoader.loadSync(join(root, 'libs/contracts/src/proto/segmentation.proto'), { keepCase: true, defaults: true });
  const { tributary } = grpc.loadPackageDefinition(definition) as unknown as { tributary: { segmentation: { v1: { SegmentMembership: new (...args: unknown[]) => Client } } } };
  const client = new tributary.segmentation.v1.SegmentMembership(`127.0.0.1:${stack.ports.SEGMENTATION_GRPC_PORT}`, grpc.credentials.createInsecure());
  const metadata = new grpc.Metadata();
  metadata.set('authorization', `Bearer ${stack.credentials!.adminKey}`);
  const random = randomOf(11);
  let members = 0;
  const ask = (): Promise<void> => new Promise((resolve, reject) => {
    const question = { profile: `userId:u${Math.floor(random() * workload.profiles)}`, segment: `bench-${Math.floor(random() * workload.segments)}` };
    client.IsMember(question, metadata, (error, answer) => {
      if (error) return reject(error);
      if (answer.member) members++;
      resolve();
    });
  });
  await openLoop(ask, WARM_UP_S);
  const open = await openLoop(ask, seconds);
  say(`gRPC open loop: ${JSON.stringify(open)}`);
  const closed = await closedLoop(ask, seconds, new Map([['segmentation', stack.process('segmentation').pid as number], ['postgres', stack.process('postgres').pid as number], ['caller', process.pid]]));
  client.close();
  return {
    name: 'grpc',
    result: { perSecond: PER_SECOND, open, closed, members },
    rows: [
      [`gRPC IsMember at ${PER_SECOND}/s, open loop`, `p50 ${open.p50} ms, p99 ${open.p99} ms of ${open.count}, failed ${open.failed}`, 'p99 5 ms'],
      ['gRPC IsMember, calls/s per core of the process', `${closed.perCore} (${closed.perSecond}/s by ${CALLERS} callers; cores: ${JSON.stringify(closed.cpu)})`, ''],
    ] as [string, string, string][],
  };
}

/** Call times are fixed in advance: latency runs from there. */
async function openLoop(ask: () => Promise<void>, seconds: number) {
  const histogram = build({ lowestDiscernibleValue: 1, highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: 3 });
  const startMs = performance.now();
  const total = Math.round(PER_SECOND * seconds);
  let failed = 0;
  const calls = [];
  for (let asked = 0; asked < total;) {
    const due = Math.min(total, Math.floor(((performance.now() - startMs) * PER_SECOND) / 1_000));
    for (; asked < due; asked++) {
      const intendedMs = startMs + (asked * 1_000) / PER_SECOND;
      calls.push(ask().then(() => histogram.recordValue(Math.round((performance.now() - intendedMs) * 1_000)), () => void failed++));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(calls);
  return { ...percentilesOf(histogram), failed };
}

async function closedLoop(ask: () => Promise<void>, seconds: number, pids: Map<string, number>) {
  const before = cpuSecondsOf(pids);
  const startMs = performance.now();
  let answered = 0;
  await Promise.all(Array.from({ length: CALLERS }, async () => {
    while (performance.now() - startMs < seconds * 1_000) {
      await ask();
      answered++;
    }
  }));
  const tookS = (performance.now() - startMs) / 1_000;
  const cpu = cpuShare(before, cpuSecondsOf(pids), tookS);
  return { perSecond: Math.round(answered / tookS), perCore: Math.round(answered / tookS / cpu['segmentation']!), cpu };
}
