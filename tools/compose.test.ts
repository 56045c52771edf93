import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { SERVICES } from './layout.ts';
import { DEFAULT_PORTS } from './ports.ts';
import { workspace } from './preflight.mjs';

interface Service {
  image?: string;
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
}

const { services } = parse(readFileSync(join(workspace, 'docker', 'compose.yaml'), 'utf8'), { merge: true }) as { services: Record<string, Service> };
const dockerfile = readFileSync(join(workspace, 'docker', 'Dockerfile'), 'utf8');

describe('compose', () => {
  test('runs the same processes on the same ports as npm start', () => {
    const published = Object.values(services).flatMap(({ ports }) => ports ?? []).map((text) => Number(text.split(':')[1]));
    const { KAFKA_CONTROLLER_PORT: _, ...expected } = DEFAULT_PORTS;
    expect(published.sort()).toEqual(Object.values(expected).sort());
    expect(Object.keys(services)).toEqual(expect.arrayContaining([...SERVICES, 'console', 'mailbox', 'kafka', 'postgres', 'migrate']));
  });

  test('waits only for what exists, and for health only where there is a check', () => {
    for (const [name, { depends_on = {} }] of Object.entries(services)) {
      for (const [dependency, { condition }] of Object.entries(depends_on)) {
        expect([name, dependency, services[dependency] !== undefined]).toEqual([name, dependency, true]);
        if (condition === 'service_healthy') expect([dependency, services[dependency]?.healthcheck !== undefined]).toEqual([dependency, true]);
      }
    }
  });

  test('runs scripts that exist', () => {
    const scripts = Object.values(services).flatMap(({ command, healthcheck }) => [command, healthcheck?.test].flat()).filter((part) => /^tools\//.test(part ?? ''));
    expect(scripts.length).toBeGreaterThan(0);
    expect(scripts.filter((script) => !existsSync(join(workspace, script!)))).toEqual([]);
  });
});

test('the image installs the packages of every part of the workspace', () => {
  const lock = JSON.parse(readFileSync(join(workspace, 'package-lock.json'), 'utf8')) as { packages: Record<string, { link?: boolean; resolved?: string }> };
  const members = Object.values(lock.packages).filter(({ link }) => link).map(({ resolved }) => resolved!);
  expect(members.filter((member) => !dockerfile.includes(`COPY ${member}/package.json ${member}/`))).toEqual([]);
});
