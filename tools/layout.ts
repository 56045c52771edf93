// Which processes make up the product, in the order of the flow, and what each answers for.
import type { PortVariable } from './ports.ts';

export type Layout = 'services' | 'compact';

export const SERVICES = ['ingestion', 'consent', 'cleansing', 'scoring', 'segmentation', 'delivery'] as const;
export type ServiceName = (typeof SERVICES)[number] | 'console' | 'mailbox';

export interface ProcessInLayout {
  readonly name: string;
  /** From the root of the workspace. */
  readonly script: string;
  readonly services: readonly ServiceName[];
  readonly ports: readonly PortVariable[];
}

const CONSOLE: ProcessInLayout = { name: 'console', script: 'apps/console/dist/main.js', services: ['console'], ports: ['CONSOLE_PORT'] };

const MAILBOX: ProcessInLayout = {
  name: 'mailbox',
  script: 'apps/delivery/dist/mailbox.js',
  services: ['mailbox'],
  ports: ['MAILBOX_PORT', 'MAILBOX_SMTP_PORT'],
};

const PORTS_OF: Record<(typeof SERVICES)[number], readonly PortVariable[]> = {
  ingestion: ['INGESTION_PORT'],
  consent: ['CONSENT_PORT', 'CONSENT_GRPC_PORT'],
  cleansing: ['CLEANSING_PORT'],
  scoring: ['SCORING_PORT', 'SCORING_GRPC_PORT'],
  segmentation: ['SEGMENTATION_PORT', 'SEGMENTATION_GRPC_PORT'],
  delivery: ['DELIVERY_PORT'],
};

const LAYOUTS: Record<Layout, readonly ProcessInLayout[]> = {
  services: [
    MAILBOX,
    ...SERVICES.map((name) => ({ name, script: `apps/${name}/dist/main.js`, services: [name], ports: PORTS_OF[name] })),
    CONSOLE,
  ],
  compact: [
    MAILBOX,
    chained('front', ['ingestion', 'consent', 'cleansing']),
    chained('back', ['scoring', 'segmentation', 'delivery']),
    CONSOLE,
  ],
};

/** The processes of a layout that run at least one of the wanted services. */
export function processesOf(layout: Layout, wanted: (service: ServiceName) => boolean): ProcessInLayout[] {
  return LAYOUTS[layout].filter(({ services }) => services.some(wanted));
}

/** The variable of the port on which a service answers HTTP. */
export function httpPortOf(service: ServiceName): PortVariable {
  return `${service.toUpperCase()}_PORT` as PortVariable;
}

/** What tells that a service can do its work. */
export function readyPathOf(service: ServiceName): string {
  return service === 'mailbox' ? '/api/messages' : '/health/ready';
}

function chained(name: 'front' | 'back', services: readonly (typeof SERVICES)[number][]): ProcessInLayout {
  return { name, script: `apps/compact/dist/${name}.js`, services, ports: services.flatMap((service) => PORTS_OF[service]) };
}
