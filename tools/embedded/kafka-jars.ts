// The broker's jars, fetched once by Maven into a cache that every stack of this checkout shares.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { KAFKA_VERSION, workspace } from '../preflight.mjs';

const MAVEN_TIMEOUT_MS = 10 * 60_000;

export const kafkaLib = join(workspace, '.local', 'kafka', 'lib');

export function hasKafkaJars(): boolean {
  return existsSync(join(kafkaLib, `kafka_2.13-${KAFKA_VERSION}.jar`));
}

/** Resolves with the directory of the jars. Safe to run in several processes at once. */
export async function fetchKafkaJars(report: (sentence: string) => void = () => {}): Promise<string> {
  if (hasKafkaJars()) return kafkaLib;
  report(`fetching Apache Kafka ${KAFKA_VERSION} with Maven (44 MB)`);
  mkdirSync(dirname(kafkaLib), { recursive: true });
  // Complete or absent: an interrupted download must not look like a cache.
  const partial = `${kafkaLib}.${process.pid}.partial`;
  rmSync(partial, { recursive: true, force: true });
  try {
    await runMaven(partial);
    rmSync(kafkaLib, { recursive: true, force: true });
    renameSync(partial, kafkaLib);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    if (!hasKafkaJars()) throw error;
  }
  return kafkaLib;
}

function runMaven(outputDirectory: string): Promise<void> {
  const args = [
    '-q', '-B', '-f', join(workspace, 'tools', 'kafka', 'pom.xml'),
    'dependency:copy-dependencies', `-DoutputDirectory=${outputDirectory}`, '-DincludeScope=runtime',
  ];
  return new Promise((resolve, reject) => {
    const output: Buffer[] = [];
    const child = spawn('mvn', args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: MAVEN_TIMEOUT_MS });
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
    child.once('error', (error) => reject(new Error(`Maven could not be run: ${error.message}`)));
    child.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`Maven could not fetch Kafka; is this machine online?\n${Buffer.concat(output).toString().slice(-2_000)}`));
    });
  });
}
