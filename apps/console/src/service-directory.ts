import type { ConsoleConfig } from './console.config.js';

/** The services behind the console, in flow order: the only ones that it ever calls. */
export const SERVICES = ['ingestion', 'consent', 'cleansing', 'scoring', 'segmentation', 'delivery'] as const;

export type ServiceName = (typeof SERVICES)[number];

export function isService(name: string): name is ServiceName {
  return (SERVICES as readonly string[]).includes(name);
}

/** Where a service answers, without a slash at the end. */
export function addressOf(service: ServiceName, config: ConsoleConfig): string {
  const variable = service.toUpperCase() as Uppercase<ServiceName>;
  const url = config[`${variable}_URL`] ?? `http://127.0.0.1:${config[`${variable}_PORT`]}`;
  return new URL(url).href.replace(/\/+$/, '');
}
