import type { ComputedNode, RuleNode, TraitNode } from '@tributary/contracts/rule';
import { compileScore } from './compile-engagement.js';
import { compilePerformed, eventsNamed } from './compile-performed.js';
import { compileSequence } from './compile-sequence.js';
import { compileValueTest, holdsForAbsent, readPath } from './compile-value-test.js';
import { firstHash } from './first-hash.js';
import { definitionOf, ofWorkspace, type Compilation, type Frame } from './frame.js';

/** The node as a condition on the profile `p` that is true or false, never NULL. */
export function compileNode(compilation: Compilation, frame: Frame, node: RuleNode): string {
  const inside = (child: RuleNode) => compileNode(compilation, frame, child);
  if ('and' in node) return `(${node.and.map(inside).join(' AND ')})`;
  if ('or' in node) return `(${node.or.map(inside).join(' OR ')})`;
  if ('not' in node) return `NOT ${inside(node.not)}`;
  if ('trait' in node) return compileTrait(compilation, frame, node);
  if ('performed' in node) return compilePerformed(compilation, frame, node);
  if ('sequence' in node) return compileSequence(compilation, frame, node);
  if ('score' in node) return compileScore(compilation, frame, node);
  if ('computed' in node) return compileComputed(compilation, frame, node);
  if ('cluster' in node) return compileCluster(compilation, frame, node);
  if ('segment' in node) return compileSegment(compilation, frame, node.segment);
  if ('list' in node) return compileList(compilation, frame, node.list);
  if ('consent' in node) return compileConsent(compilation, frame, node);
  return compileRandom(compilation, node.random);
}

/** Rows `(profile_id, value)`: the value of a trait, a JSON null where it was removed (rule 18). */
export function traitRows(compilation: Compilation, frame: Frame, trait: string): string {
  const value = `e.body -> 'traits' -> ${compilation.parameters.text(trait)}`;
  return `SELECT DISTINCT ON (e.profile_id) e.profile_id, ${value} AS value FROM ${compilation.context.relations.events} e
    WHERE ${ofWorkspace(compilation, 'e')} AND e.type = 'identify' AND ${frame.known('e')}${frame.ofProfile('e')} AND ${value} IS NOT NULL
    ORDER BY e.profile_id, e.ts_ms DESC, e.message_id COLLATE "C" DESC`;
}

function compileTrait(compilation: Compilation, frame: Frame, node: TraitNode): string {
  const [trait, ...keys] = node.trait.split('.');
  const needsCalendar = node.op === 'anniversaryInNext';
  return frame.leaf({
    rows: traitRows(compilation, frame, trait!),
    holds: compileValueTest(compilation, frame, readPath(compilation, 'k.value', keys), node),
    holdsForNone: holdsForAbsent(node),
    needsCalendar,
  });
}

/** Rule 28: the hash is compared with the first that lies in the bucket, and the first behind it. */
function compileRandom({ parameters }: Compilation, { salt, from, to }: { readonly salt: string; readonly from: number; readonly to: number }): string {
  const bucket = `rules.bucket_hash(${parameters.text(salt)}, p.profile_id)`;
  const below = to < 100 ? ` AND ${bucket} < ${parameters.bytes(firstHash(to))}` : '';
  return `(${bucket} >= ${parameters.bytes(firstHash(from))}${below})`;
}

/** Where there is none, nothing is satisfied (rule 25), `notExists` included. */
function compileComputed(compilation: Compilation, frame: Frame, node: ComputedNode): string {
  const { parameters, context } = compilation;
  const value = readPath(compilation, 'k.value', []);
  return frame.leaf({
    rows: `SELECT DISTINCT ON (c.profile_id) c.profile_id, c.value FROM ${context.relations.computed} c
      WHERE ${ofWorkspace(compilation, 'c')} AND c.key = ${parameters.text(node.computed)}${frame.isNow('c')}
      ORDER BY c.profile_id, c.from_ms DESC`,
    holds: `${value} IS NOT NULL AND ${compileValueTest(compilation, frame, value, node)}`,
    holdsForNone: false,
    needsCalendar: node.op === 'anniversaryInNext',
  });
}

function compileCluster(compilation: Compilation, frame: Frame, node: { readonly cluster: string; readonly in: readonly string[] }): string {
  const { parameters, context } = compilation;
  return frame.leaf({
    rows: `SELECT DISTINCT c.profile_id FROM ${context.relations.clusters} c
      WHERE ${ofWorkspace(compilation, 'c')} AND c.model = ${parameters.text(node.cluster)} AND c.label = ANY (${parameters.texts(node.in)})${frame.isNow('c')}`,
    holds: 'true',
    holdsForNone: false,
  });
}

function compileList(compilation: Compilation, frame: Frame, list: string): string {
  const { parameters, context } = compilation;
  return frame.leaf({
    rows: `SELECT DISTINCT l.profile_id FROM ${context.relations.lists} l
      WHERE ${ofWorkspace(compilation, 'l')} AND l.list = ${parameters.text(list)}${frame.isNow('l')}`,
    holds: 'true',
    holdsForNone: false,
  });
}

/** Rule 26: a segment without memory is its rule, at the same t. */
function compileSegment(compilation: Compilation, frame: Frame, key: string): string {
  const definition = definitionOf(compilation, key);
  return definition.stay ? frame.remembered(definition) : compileNode(compilation, frame, definition.rule);
}

/** Rule 27. A decision that does not say when it was made was made at the time of its event. */
function compileConsent(compilation: Compilation, frame: Frame, node: { readonly consent: string; readonly is: 'granted' | 'withdrawn' }): string {
  const { parameters, context } = compilation;
  const { events, mergedWithdrawals } = context.relations;
  const properties = `e.body -> 'properties'`;
  const merged = mergedWithdrawals
    ? ` UNION ALL SELECT m.profile_id, 'withdrawn', m.merged_ms FROM ${mergedWithdrawals} m
        WHERE ${ofWorkspace(compilation, 'm')} AND m.purpose = ${parameters.text(node.consent)} AND m.merged_ms <= ${frame.t}${frame.ofProfile('m')}`
    : '';
  return frame.leaf({
    rows: `SELECT DISTINCT ON (d.profile_id) d.profile_id, d.decision FROM (
        SELECT e.profile_id, rules.str(${properties} -> 'decision') AS decision, coalesce(rules.instant(${properties} -> 'occurredAt'), e.ts_ms) AS occurred_ms
        FROM ${events} e WHERE ${eventsNamed(compilation, 'e', 'Consent Updated')} AND ${frame.known('e')}${frame.ofProfile('e')}
          AND ${properties} -> 'purpose' = ${parameters.json(node.consent)}${merged}) d
      WHERE d.decision IN ('granted', 'withdrawn')
      ORDER BY d.profile_id, d.occurred_ms DESC, d.decision COLLATE "C" DESC`,
    holds: `k.decision = ${parameters.text(node.is)}`,
    holdsForNone: node.is === 'granted' && context.purposes?.[node.consent] === 'opt-out',
  });
}
