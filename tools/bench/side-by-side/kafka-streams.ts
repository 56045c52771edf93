// Builds and starts the Kafka Streams application of bench/kafka-streams.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { workspace } from '../../preflight.mjs';
import { type Child, startChild } from './child.ts';
import { segmentsFile } from './windowed-segments.ts';

const MAVEN_TIMEOUT_MS = 10 * 60_000;
const project = join(workspace, 'bench', 'kafka-streams');
const java = process.env['JAVA_HOME'] ? join(process.env['JAVA_HOME'], 'bin', 'java') : 'java';

export interface StreamsOptions {
  readonly brokers: string;
  readonly dir: string;
  /** How often a transaction ends: what is told can be read only then. 100 ms is the default of Kafka Streams. */
  readonly commitMs: number;
}

/** @throws Error in one sentence when Maven cannot bring what the application needs */
export async function buildStreams(): Promise<void> {
  const output: Buffer[] = [];
  await new Promise<void>((resolve, reject) => {
    const child = spawn('mvn', ['-q', '-B', '-f', join(project, 'pom.xml'), 'package'], { stdio: ['ignore', 'pipe', 'pipe'], timeout: MAVEN_TIMEOUT_MS });
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
    child.once('error', (error) => reject(new Error(`Maven could not be run (${error.message}); it is needed for the Kafka Streams application. Install it, or leave that one out with --only.`)));
    child.once('exit', (code) => {
      if (code === 0) return resolve();
      const text = Buffer.concat(output).toString();
      const reason = /Could not (resolve|transfer|find)|Unknown host|Connection (refused|timed out)|offline/i.test(text) ? 'Maven cannot resolve the jars of the Kafka Streams application: is this machine online, and does its settings.xml name a reachable repository?' : 'The Kafka Streams application does not build.';
      reject(new Error(`${reason} Leave it out with --only.\n${text.slice(-2_000)}`));
    });
  });
}

export function startStreams({ brokers, dir, commitMs }: StreamsOptions): Promise<Child> {
  const settings = { brokers, segments: segmentsFile, state: join(dir, 'streams-state'), 'commit.ms': commitMs, 'log4j2.configurationFile': join(workspace, 'tools', 'kafka', 'log4j2.xml') };
  const target = join(project, 'target');
  return startChild({
    name: 'kafka-streams',
    command: java,
    args: [
      '-Xms256m', '-Xmx512m', '-XX:+UseSerialGC', ...Object.entries(settings).map(([name, value]) => `-D${name}=${value}`),
      '-cp', `${join(target, 'kafka-streams-segments-1.jar')}:${join(target, 'lib', '*')}`, 'tributary.bench.SegmentsApp',
    ],
    logFile: join(dir, 'logs', 'kafka-streams.log'),
  });
}
