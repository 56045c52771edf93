// Which ports the processes use, which of them are taken, and by whom.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';

/** Every port of the local stack: the variable that changes it, and its default. */
export const DEFAULT_PORTS = {
  CONSOLE_PORT: 3000,
  INGESTION_PORT: 3001,
  CONSENT_PORT: 3002,
  CLEANSING_PORT: 3003,
  SCORING_PORT: 3004,
  SEGMENTATION_PORT: 3005,
  DELIVERY_PORT: 3006,
  CONSENT_GRPC_PORT: 50052,
  SCORING_GRPC_PORT: 50054,
  SEGMENTATION_GRPC_PORT: 50055,
  POSTGRES_PORT: 5439,
  KAFKA_PORT: 9392,
  KAFKA_CONTROLLER_PORT: 9393,
  MAILBOX_PORT: 8025,
  MAILBOX_SMTP_PORT: 1025,
} as const;

export type PortVariable = keyof typeof DEFAULT_PORTS;
export type Ports = Record<PortVariable, number>;

// Below the range from which the kernel takes ports for outgoing connections, so that none is lost between
// choosing and listening.
const FREE_PORT_FIRST = 20_000;
const FREE_PORT_LAST = 31_999;
const FREE_PORT_TRIES = 200;

/** The default ports, each replaced by its variable where that is set. */
export function portsFromEnvironment(env: NodeJS.ProcessEnv): Ports {
  const ports: Ports = { ...DEFAULT_PORTS };
  for (const variable of Object.keys(DEFAULT_PORTS) as PortVariable[]) {
    const text = env[variable];
    if (!text) continue;
    const port = Number(text);
    if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error(`${variable}=${text} is not a port.`);
    ports[variable] = port;
  }
  return ports;
}

/** A free port for every variable, for stacks that must not meet another one. */
export async function freePorts(): Promise<Ports> {
  const variables = Object.keys(DEFAULT_PORTS) as PortVariable[];
  const found = await findFreePorts(variables.length);
  return Object.fromEntries(variables.map((variable, i) => [variable, found[i]])) as Ports;
}

export async function findFreePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  for (let tries = 0; found.size < count; tries++) {
    if (tries > FREE_PORT_TRIES + count) throw new Error(`No ${count} free ports between ${FREE_PORT_FIRST} and ${FREE_PORT_LAST}.`);
    const port = FREE_PORT_FIRST + Math.floor(Math.random() * (FREE_PORT_LAST - FREE_PORT_FIRST + 1));
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  return [...found];
}

/** One sentence for each of these ports that something else listens on. */
export async function takenPorts(ports: Ports, variables: readonly PortVariable[]): Promise<string[]> {
  const sentences: string[] = [];
  const byPort = new Map<number, PortVariable>();
  for (const variable of variables) {
    const port = ports[variable];
    const twin = byPort.get(port);
    if (twin) sentences.push(`${variable} and ${twin} are both ${port}: set one of them to another port.`);
    else if (!(await isFree(port))) {
      sentences.push(`Port ${port} is taken by ${describeHolder(port)}: stop that, or set ${variable} to another port.`);
    }
    byPort.set(port, variable);
  }
  return sentences;
}

/** Tries both addresses: a service listens on all interfaces, and a stranger may hold only one of them. */
async function isFree(port: number): Promise<boolean> {
  for (const host of ['127.0.0.1', '0.0.0.0']) {
    const free = await new Promise<boolean>((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(false));
      server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
    });
    if (!free) return false;
  }
  return true;
}

/** "process 4711 (node server.js)", as far as this user may see. */
export function describeHolder(port: number): string {
  const inodes = listeningInodes(port);
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (!holdsOneOf(pid, inodes)) continue;
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean).join(' ');
    return `process ${pid} (${command.length > 80 ? `${command.slice(0, 80)}…` : command})`;
  }
  return 'a process that this user cannot see';
}

const LISTENING = '0A';

function listeningInodes(port: number): Set<string> {
  const inodes = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    let text: string;
    try {
      text = readFileSync(table, 'utf8');
    } catch {
      continue; // no IPv6
    }
    for (const line of text.split('\n').slice(1)) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
      if (local && inode && state === LISTENING && Number.parseInt(local.split(':')[1] ?? '', 16) === port) inodes.add(inode);
    }
  }
  return inodes;
}

function holdsOneOf(pid: string, inodes: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
        return inode !== undefined && inodes.has(inode);
      } catch {
        return false; // closed in between
      }
    });
  } catch {
    return false; // ended in between, or another user's
  }
}
