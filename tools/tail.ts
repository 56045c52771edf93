// npm run tail [-- --segment <key>] [--from-start]: membership changes of the local workspace as they happen.
import { parseArgs, styleText } from 'node:util';
import type { SegmentChange } from '@tributary/contracts/change';
import { segmentsChanged } from '@tributary/contracts/topics/segments-changed';
import type { LogRecord } from '@tributary/stream/stage';
import { localCredentials, openLocalLog } from './local-log.ts';

const NAME_WIDTH = 34;
const SEGMENT_WIDTH = 20;

const { values: options } = parseArgs({ options: { segment: { type: 'string' }, 'from-start': { type: 'boolean', default: false } } });
try {
  const { workspace } = localCredentials();
  const log = await openLocalLog();
  const tail = await log.tail({ topic: segmentsChanged.name, ...(options['from-start'] ? { from: 'start' as const } : {}), onRecord: (record) => show(record, workspace) });
  console.log(styleText('dim', `changes of ${workspace}${options.segment === undefined ? '' : ` in ${options.segment}`}; Ctrl-C ends`));
  process.once('SIGINT', () => void tail.stop().then(() => log.close()).then(() => process.exit(0)));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

function show({ value }: LogRecord, workspace: string): void {
  if (value === null) return;
  const change = JSON.parse(value.toString()) as SegmentChange;
  if (change.workspace !== workspace || (options.segment !== undefined && change.segment !== options.segment)) return;
  const isEntry = change.change === 'entered';
  const lateMs = Date.parse(change.processedAt) - Date.parse(change.effectiveAt);
  console.log([
    styleText('dim', change.effectiveAt.slice(11, 23)),
    styleText(isEntry ? 'green' : 'red', isEntry ? '→ entered' : '←    left'),
    styleText('bold', clip(change.segment, SEGMENT_WIDTH)),
    clip(nameOf(change), NAME_WIDTH),
    styleText('cyan', change.cause.padEnd(10)),
    styleText('dim', `${reasonOf(change)}  ${lateMs} ms`),
  ].join('  '));
}

function nameOf({ identifiers, profileId }: SegmentChange): string {
  const best = identifiers.find(({ type }) => type === 'email') ?? identifiers.find(({ type }) => type === 'userId') ?? identifiers[0];
  return best?.value ?? profileId;
}

/** The first leaf whose answer changed, and the event that did it. */
function reasonOf({ reason }: SegmentChange): string {
  const [node] = reason.nodes;
  const leaf = node === undefined ? '' : `${node.path} ${node.holds ? 'holds' : 'no longer holds'}${node.actual === null ? '' : ` (${JSON.stringify(node.actual)})`}`;
  return reason.event === undefined ? leaf : `${leaf} by ${reason.event.name}`;
}

function clip(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
}
