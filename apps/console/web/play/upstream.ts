import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RuleNode } from '@tributary/contracts/rule';
import { ADMIN_KEY, findPerson, identifiersOf, mix, PEOPLE, playEvent, SEGMENTS, type PlayPerson, type PlaySegment } from './world.js';

export interface Upstream {
  /** One address for all services, each under its own name: `<url>/segmentation/v1/segments`. */
  readonly url: string;
  /** What was asked, newest last. */
  readonly requests: readonly { readonly method: string; readonly path: string; readonly headers: IncomingMessage['headers'] }[];
  /** Answers given instead, by path, e.g. to see how an error looks. */
  readonly overrides: Map<string, (request: IncomingMessage, response: ServerResponse) => void>;
  /** The environment that leads a console here. */
  readonly env: { readonly [variable: string]: string };
  close(): Promise<void>;
}

const NAMES = ['ingestion', 'consent', 'cleansing', 'scoring', 'segmentation', 'delivery'];

/** The services' public API over the invented shop, on a real port. */
export async function startUpstream(): Promise<Upstream> {
  const requests: { method: string; path: string; headers: IncomingMessage['headers'] }[] = [];
  const overrides: Upstream['overrides'] = new Map();
  const server: Server = createServer((request, response) => {
    const path = decodeURI((request.url ?? '').split('?', 1)[0] as string);
    requests.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers });
    const override = overrides.get(path);
    if (override !== undefined) return override(request, response);
    if (path.endsWith('/health/ready')) return send(response, 200, { status: 'ok' });
    if (request.headers.authorization !== `Bearer ${ADMIN_KEY}`) return send(response, 401, problem(401, 'unauthorized'));
    const query = new URL(request.url ?? '', 'http://upstream').searchParams;
    const answer = answerTo(path.split('/').slice(1).map(decodeURIComponent), query);
    if (answer === null) send(response, 404, problem(404, 'not_found'));
    else send(response, 200, answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    requests,
    overrides,
    env: Object.fromEntries(NAMES.map((name) => [`${name.toUpperCase()}_URL`, `${url}/${name}`])),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answerTo(parts: readonly string[], query: URLSearchParams): object | null {
  const [service, version, kind, id, what, ref] = parts;
  if (version !== 'v1') return null;
  if (service === 'segmentation' && kind === 'segments') return segments(id, what, ref);
  if (service === 'scoring' && kind === 'profiles' && id === undefined) {
    const text = query.get('q') ?? '';
    return { profiles: PEOPLE.filter((who) => identifiersOf(who).some(({ type, value }) => value === text || `${type}:${value}` === text)).map(profile), cursor: null };
  }
  const person = id === undefined ? undefined : findPerson(id);
  if (kind !== 'profiles' || person === undefined) return null;
  if (service === 'segmentation' && what === 'segments') {
    return { segments: [...person.memberships].map(([key, sinceMs]) => ({ key, since: iso(sinceMs) })), asOf: iso(Date.now()) };
  }
  if (service === 'segmentation' && what === 'changes') return { changes: person.changes.toReversed(), cursor: null };
  if (service === 'scoring' && what === undefined) return profile(person);
  if (service === 'scoring' && what === 'scores' && ref === 'engagement') {
    return { score: person.score, delivered: 12, opened: 7, clicked: 3, sessions: 4, asOf: iso(Date.now()), changesAt: iso(Date.now() + 7_500_000), awaiting: [], approximate: false };
  }
  if (service === 'scoring' && what === 'events') return { events: eventsOf(person), cursor: null };
  return null;
}

function segments(key: string | undefined, what: string | undefined, ref: string | undefined): object | null {
  if (key === undefined) return { segments: SEGMENTS.map(presentSegment), cursor: null };
  const segment = SEGMENTS.find((one) => one.key === key);
  if (segment === undefined) return null;
  if (what === undefined) return presentSegment(segment);
  if (what === 'changes') return { changes: PEOPLE.flatMap((who) => who.changes).filter((change) => change.segment === key), cursor: null };
  if (what !== 'members') return null;
  if (ref === undefined) {
    const members = PEOPLE.filter((who) => who.memberships.has(key));
    return { members: members.map((who) => ({ profileId: who.id, since: iso(who.memberships.get(key) as number) })), cursor: null, asOf: iso(Date.now()) };
  }
  const person = findPerson(ref);
  return person === undefined ? null : membership(person, segment);
}

function presentSegment(segment: PlaySegment): object {
  const changes = PEOPLE.flatMap((who) => who.changes).filter((change) => change.segment === segment.key);
  const moves = (kind: string) => ({ hour: changes.filter(({ change, effectiveAt }) => change === kind && Date.parse(effectiveAt) > Date.now() - 3_600_000).length, day: changes.filter(({ change }) => change === kind).length });
  return { ...segment, entered: moves('entered'), left: moves('left'), version: 3, asOf: iso(Date.now() - segment.lagMs), updatedAt: segment.createdAt };
}

function membership(person: PlayPerson, segment: PlaySegment): object {
  const sinceMs = person.memberships.get(segment.key);
  const isMember = sinceMs !== undefined;
  return {
    member: isMember,
    since: isMember ? iso(sinceMs) : null,
    asOf: iso(Date.now()),
    flipsAt: isMember && segment.key !== 'cold-contacts' ? iso(Date.now() + 187_400) : null,
    why: segment.stay === undefined ? why(segment.rule, '/rule', isMember, person) : whyOfTwo(segment, isMember, person),
  };
}

function whyOfTwo({ rule, stay }: PlaySegment, isMember: boolean, person: PlayPerson): object {
  const children = [why(rule, '/rule', isMember, person), why(stay as RuleNode, '/stay', isMember, person)];
  return { node: 'stay', path: '', holds: isMember, actual: isMember ? 'inside' : 'outside', events: [], children };
}

function why(node: RuleNode, path: string, holds: boolean, person: PlayPerson): object {
  const [kind, list] = 'and' in node ? (['and', node.and] as const) : 'or' in node ? (['or', node.or] as const) : [null, null];
  if (kind !== null) {
    const children = list.map((child, at) => why(child, `${path}/${kind}/${at}`, holds || at === 0, person));
    return { node: kind, path, holds, actual: holds ? children.length : 1, events: [], children };
  }
  if ('not' in node) return { node: 'not', path, holds, actual: null, events: [], children: [why(node.not, `${path}/not`, !holds, person)] };
  const isCounted = 'performed' in node;
  const events = isCounted && holds ? eventsOf(person).slice(0, 2).map(({ messageId, type, event, timestamp }) => ({ messageId, name: event ?? type, timestamp })) : [];
  return { node: isCounted ? 'performed' : 'score' in node ? 'score' : 'sequence', rule: node, path, holds, actual: isCounted ? events.length : 'score' in node ? person.score : null, events, children: [] };
}

function profile(person: PlayPerson): object {
  return {
    id: person.id,
    identifiers: identifiersOf(person),
    traits: { email: person.email, firstName: person.firstName, lastName: person.lastName, plan: person.plan, address: { country: person.country, city: 'Utrecht' }, newsletter: true },
    computed: { orders_90d: mix(Number(person.userId)) % 9, last_seen: iso(Date.now() - 240_000), first_source: 'search' },
    scores: { engagement: person.score },
    cluster: ['High-value engaged buyers', 'Bargain hunters', 'New arrivals'][Number(person.userId) % 3],
    createdAt: '2026-04-11T08:21:07.114Z',
    updatedAt: iso(Date.now() - 61_000),
  };
}

function eventsOf(person: PlayPerson): { messageId: string; type: string; timestamp: string; event?: string }[] {
  const found = [];
  for (let n = 0; found.length < 14 && n < 20_000; n++) {
    const event = playEvent(n, Date.now() - found.length * (found.length + 1) * 190_000 - 240_000);
    if (event.person.id !== person.id) continue;
    found.push({ ...event.body, messageId: event.messageId, type: event.type, timestamp: iso(event.atMs), appendedAt: iso(event.atMs + 4) });
  }
  return found;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function problem(status: number, code: string): object {
  return { type: 'about:blank', title: code, status, code, detail: `The upstream of a test says ${code}.` };
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': status < 400 ? 'application/json' : 'application/problem+json' });
  response.end(JSON.stringify(body));
}
