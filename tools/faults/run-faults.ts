// One run: start, load, harm, wait for quiet, check.
import { setTimeout as sleep } from 'node:timers/promises';
import { waitForQuiet } from '../bench/check-result.ts';
import { randomOf } from '../bench/workload.ts';
import type { Layout } from '../layout.ts';
import { AcceptedLog } from './accepted-log.ts';
import { Admin } from './admin.ts';
import { checkChanges } from './check-changes.ts';
import { checkEvents } from './check-events.ts';
import { checkMails } from './check-mails.ts';
import { checkMembers } from './check-members.ts';
import { checkParked } from './check-parked.ts';
import { checkProgress, recordProgress } from './check-progress.ts';
import { checkEdit, checkReplay } from './check-replay.ts';
import { Doors } from './doors.ts';
import { gatherEvidence } from './evidence.ts';
import type { Fault, Poisoned, Scene } from './fault.ts';
import { type Finding, type Verdict, wrong } from './finding.ts';
import { Load } from './load.ts';
import { MailWatch } from './mail-watch.ts';
import { editedSegment, MAILS, makePeople, STEADY_SEGMENTS, TEMPLATE } from './scene.ts';
import { type Appointment, makeSchedule } from './schedule.ts';
import { Site } from './site.ts';
import { Story } from './story.ts';

export interface RunOptions {
  readonly dir: string;
  readonly layout: Layout;
  readonly seed: number;
  readonly faults: number;
  /** The load goes on at least so long, and faults end after it. */
  readonly minutes: number | null;
  readonly kinds: readonly Fault[];
  readonly people: number;
  readonly perSecond: number;
  readonly mutation: string | null;
  readonly report: (sentence: string) => void;
  readonly signal?: AbortSignal;
}

export interface Injected {
  readonly name: string;
  readonly target: string;
  /** What was done; null when it could not be done. */
  readonly done: string | null;
}

export interface RunResult {
  readonly seed: number;
  readonly injected: readonly Injected[];
  readonly sent: { readonly events: number; readonly attempts: number; readonly unanswered: number };
  readonly verdicts: readonly Verdict[];
}

const QUIET_MS_MAX = 180_000;

export async function runFaults(options: RunOptions): Promise<RunResult> {
  const site = await Site.start({ ...options, smallDisks: options.kinds.some(({ name }) => name === 'disk-full') }).catch((error: Error) => {
    throw new NotStarted(error.message, { cause: error });
  });
  try {
    return await new Run(options, site).run();
  } finally {
    await site.stop();
  }
}

/** The stack did not come up: the run says nothing about anything. */
export class NotStarted extends Error {}

class Run {
  readonly #options: RunOptions;
  readonly #site: Site;
  readonly #run: string;
  readonly #accepted = new AcceptedLog();
  readonly #admin: Admin;
  readonly #people;
  readonly #doors: Doors;
  readonly #load: Load;
  readonly #story: Story;
  readonly #mails: MailWatch;
  readonly #poisoned: Poisoned[] = [];
  readonly #injected: Injected[] = [];
  readonly #unhealed: Finding[] = [];

  constructor(options: RunOptions, site: Site) {
    this.#options = options;
    this.#site = site;
    const { seed, people, perSecond } = options;
    const { stack } = site;
    this.#run = `f${seed.toString(36)}`;
    this.#people = makePeople(people, this.#run);
    this.#admin = new Admin(stack);
    this.#doors = new Doors({ brokers: site.brokers, collectorUrl: stack.urls.ingestion as string, writeKey: stack.credentials?.writeKey as string, accepted: this.#accepted });
    this.#load = new Load({ people: this.#people, doors: this.#doors, accepted: this.#accepted, run: this.#run, seed, perSecond });
    this.#story = new Story({ people: this.#people, admin: this.#admin, load: this.#load, seed });
    this.#mails = new MailWatch(stack.urls.mailbox as string);
  }

  async run(): Promise<RunResult> {
    const { report, seed } = this.#options;
    await this.#prepare();
    this.#load.start();
    this.#story.start();
    this.#mails.start();
    await this.#harm();
    report('the load ends');
    await this.#story.stop();
    await this.#load.stop();
    await this.#site.whenAllReady();
    await waitForQuiet(this.#site.databaseUrl, QUIET_MS_MAX);
    await this.#whenMailed();
    report('it is quiet: checking');
    await this.#mails.stop();
    const verdicts = await this.#check();
    const attempts = [...this.#accepted.events.values()].reduce((sum, event) => sum + event.attempts, 0);
    return { seed, injected: this.#injected, sent: { events: this.#accepted.events.size, attempts, unanswered: this.#accepted.unanswered }, verdicts };
  }

  async #prepare(): Promise<void> {
    await recordProgress(this.#site.databaseUrl);
    for (const segment of [...STEADY_SEGMENTS, editedSegment(3)]) await this.#admin.define(segment);
    await this.#admin.whenLive('edited');
    await this.#admin.ask('delivery', 'POST', '/v1/templates', { body: TEMPLATE, fine: [201, 409] });
    for (const { key, segment, once } of MAILS) {
      await this.#admin.ask('delivery', 'POST', '/v1/automations', { body: { key, segment, on: 'entered', template: TEMPLATE.key, purpose: 'email_marketing', once }, fine: [201, 409] });
    }
    await this.#doors.open();
    await this.#load.introduce();
    await waitForQuiet(this.#site.databaseUrl, QUIET_MS_MAX);
  }

  async #harm(): Promise<void> {
    const { seed, faults, kinds, minutes, report } = this.#options;
    const schedule = makeSchedule({ seed, count: faults, faults: kinds, site: this.#site });
    report(`schedule: ${schedule.map(({ fault, target, together }) => `${together ? '+ ' : ''}${fault.name} ${target}`).join(', ')}`);
    const endMs = minutes === null ? Infinity : Date.now() + minutes * 60_000;
    const random = randomOf(seed + 4);
    for (let index = 0; index < schedule.length && Date.now() < endMs; ) {
      const appointment = schedule[index++] as Appointment;
      await sleep(appointment.pauseMs);
      const group = [appointment, ...(schedule[index]?.together === true ? [schedule[index++] as Appointment] : [])];
      await Promise.all(group.map((one) => this.#inject(one, random)));
      const names = group.map(({ fault, target }) => `${fault.name} ${target}`).join(' and ');
      await this.#site.whenAllReady().catch((error: Error) => void this.#unhealed.push(wrong(`after ${names}: ${error.message}`)));
    }
    if (minutes !== null) await sleep(Math.max(0, endMs - Date.now()));
  }

  async #inject({ fault, target }: Appointment, random: () => number): Promise<void> {
    const scene: Scene = { site: this.#site, random, poisoned: this.#poisoned };
    const startedMs = Date.now();
    const done = await fault.inject(scene, target).catch((error: Error) => {
      this.#unhealed.push(wrong(`after ${fault.name} ${target}: ${error.message}`));
      return `NOT HEALED: ${error.message}`;
    });
    this.#injected.push({ name: fault.name, target, done });
    this.#options.report(`${this.#injected.length}. ${fault.name} ${target}: ${done ?? 'could not be done'} (${((Date.now() - startedMs) / 1_000).toFixed(1)} s)`);
  }

  /** Sends whose process died are taken over within seconds, and told. */
  async #whenMailed(): Promise<void> {
    for (const giveUpMs = Date.now() + 60_000; Date.now() < giveUpMs; await sleep(500)) {
      const { sends } = await gatherEvidence(this.#place());
      if (sends.every(({ state }) => state === 'decided')) break;
    }
    // Decisions are published from a table of their own, which is looked at every five seconds.
    await sleep(6_000);
  }

  #place() {
    return { databaseUrl: this.#site.databaseUrl, brokers: this.#site.brokers, workspace: this.#site.stack.credentials?.workspace as string };
  }

  /** Questions about what is there first; then what moves it. */
  async #check(): Promise<Verdict[]> {
    const verdicts = await this.#checkEvidence();
    await this.#doors.close();
    const scene = { place: this.#place(), admin: this.#admin, random: randomOf(this.#options.seed + 6) };
    return [...verdicts, await checkReplay(scene), await checkEdit(scene)];
  }

  async #checkEvidence(): Promise<Verdict[]> {
    const evidence = await gatherEvidence(this.#place());
    const { mailWithdrawals, trackingWithdrawals } = this.#story;
    return [
      { invariants: '', title: 'after every fault everything gets ready again', checked: this.#injected.length, findings: this.#unhealed },
      checkParked(evidence, this.#poisoned),
      ...checkEvents({ accepted: this.#accepted, evidence, trackingWithdrawals }),
      ...(await checkMembers({ ...this.#place(), evidence, people: this.#people, segments: await this.#admin.segments(), random: randomOf(this.#options.seed + 5) })),
      ...checkChanges(evidence),
      await checkProgress(this.#site.databaseUrl),
      ...checkMails({ evidence, mails: [...this.#mails.mails.values()], people: this.#people, mailWithdrawals }),
    ];
  }
}
