import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pomVersion } from './embedded/kafka.ts';
import { isInstalled, KAFKA_VERSION } from './preflight.mjs';

const root = mkdtempSync(join(tmpdir(), 'tributary-preflight-'));
afterAll(() => rmSync(root, { recursive: true }));

const LOCKED = {
  '': {},
  'apps/consent': { version: '0.1.0' },
  'node_modules/@tributary/consent': { resolved: 'apps/consent', link: true },
  'node_modules/needed': { version: '1.0.0' },
  'node_modules/elsewhere': { version: '1.0.0', optional: true },
};

function isInstalledWith(installed: Record<string, unknown>): boolean {
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: LOCKED }));
  writeFileSync(join(root, 'node_modules', '.package-lock.json'), JSON.stringify({ packages: installed }));
  return isInstalled(root);
}

describe('packages are installed', () => {
  test('when every one is there at its version, those of other platforms aside', () => {
    expect(isInstalledWith({ 'node_modules/needed': { version: '1.0.0' } })).toBe(true);
  });

  test('not when one is missing or of another version', () => {
    expect(isInstalledWith({})).toBe(false);
    expect(isInstalledWith({ 'node_modules/needed': { version: '0.9.0' } })).toBe(false);
    expect(isInstalledWith({ 'node_modules/needed': { version: '1.0.0' }, 'node_modules/elsewhere': { version: '0.9.0' } })).toBe(false);
  });

  test('not when there is no node_modules at all', () => {
    expect(isInstalled(join(root, 'nowhere'))).toBe(false);
  });
});

test('the check for the jars and the Maven project name the same Kafka', () => {
  expect(pomVersion()).toBe(KAFKA_VERSION);
});
