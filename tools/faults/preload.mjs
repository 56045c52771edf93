// Loaded into the services of a fault run, and of no other, by NODE_OPTIONS: the product knows nothing of it. It hits the
// process at named points of its work, lets its wall clock step, and leaves a guard out (mutations.mjs).
import { readFileSync, renameSync, statSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { applyMutation } from './mutations.mjs';

const { SERVICE_NAME: service, FAULTS_POINTS_DIR: dir, FAULTS_MUTATION: mutation, FAULTS_POSTGRES_PORT: postgresPort } = process.env;

if (mutation) {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      return url.startsWith('file:') ? applyMutation(mutation, url, loaded) : loaded;
    },
  });
}

if (service && dir && postgresPort) {
  process.env.DATABASE_URL = process.env.DATABASE_URL.replace(/@127\.0\.0\.1:\d+/, `@127.0.0.1:${postgresPort}`);
  stepClock(join(dir, `${service}.clock`));
  await watchPoints(join(dir, service));
}

/** The offset of the file's number is added to the wall clock; monotonic time and timers know nothing of it, as with a real step. */
function stepClock(file) {
  const RealDate = Date;
  let offsetMs = 0;
  globalThis.Date = class Date extends RealDate {
    constructor(...parts) {
      if (parts.length === 0) super(RealDate.now() + offsetMs);
      else super(...parts);
    }

    static now() {
      return RealDate.now() + offsetMs;
    }
  };
  setInterval(() => {
    try {
      offsetMs = Number(readFileSync(file, 'utf8'));
    } catch {
      // No step is asked for.
    }
  }, 200).unref();
}

/**
 * Points are recognized by what goes to the database and to the broker: the statement with the fence is a batch's commit,
 * the next request of the producer its send; delivery's statements say when a mail is about to leave and has left.
 */
async function watchPoints(file) {
  const { default: pg } = await import('pg');
  const { SerialProducer } = await import('../../libs/stream/dist/serial-producer.js');
  const { query } = pg.Pool.prototype;
  pg.Pool.prototype.query = function (...args) {
    const text = typeof args[0] === 'string' ? args[0] : (args[0]?.text ?? '');
    if (text.includes('stream.fence(')) return commit(() => query.apply(this, args));
    if (text.includes("set state = 'attempting'")) return afterwards(query.apply(this, args), 'before-hand-over');
    if (text.includes("set state = 'decided'")) reach('after-hand-over');
    return query.apply(this, args);
  };
  const { send } = SerialProducer.prototype;
  SerialProducer.prototype.send = async function (records) {
    // Ticks have no value; everything else is what a batch came to.
    const isWork = records.some(({ value }) => value !== null);
    if (isWork) reach('before-send');
    await send.call(this, records);
    if (isWork) reach('after-send');
  };

  async function commit(run) {
    reach('before-commit');
    const answer = run();
    if (isArmed('in-commit')) setTimeout(() => reach('in-commit'), 1);
    const { rows } = await answer;
    if (rows[0]?.outbox_id != null) reach('after-commit');
    return answer;
  }

  async function afterwards(answer, point) {
    await answer;
    reach(point);
    return answer;
  }

  let plan = null;
  let planMs = 0;

  function armed() {
    try {
      const { mtimeMs } = statSync(`${file}.armed`);
      if (plan === null || mtimeMs !== planMs) plan = JSON.parse(readFileSync(`${file}.armed`, 'utf8'));
      planMs = mtimeMs;
      return plan;
    } catch {
      return (plan = null);
    }
  }

  function isArmed(point) {
    return armed()?.point === point;
  }

  function reach(point) {
    const wanted = armed();
    if (wanted?.point !== point || wanted.skip-- > 0) return;
    // First disarmed, so that its next life does not meet the same point.
    renameSync(`${file}.armed`, `${file}.hit`);
    process.kill(process.pid, wanted.signal);
  }
}
