import type { RefFilter, SequenceNode, SequenceStep, WhereFilter } from '@tributary/contracts/rule';
import type { FeatureRegistry, StepFeature } from './feature-registry.js';
import type { SequencePlan, SequenceStepPlan } from './match-sequence.js';
import { parseDuration } from './parse-duration.js';
import { compileWindow } from './window.js';

interface PlannedSequence {
  /** Same text, same sequence. */
  readonly key: string;
  readonly plan: SequencePlan;
  readonly steps: readonly StepFeature[];
}

/** The node must be valid. */
export function planSequence(node: SequenceNode, registry: FeatureRegistry): PlannedSequence {
  const { window, range } = compileWindow(node);
  const reads = node.sequence.map((step) => refsOf(step));
  // A named step binds the properties that later steps compare with, in the order in which they are first named.
  const boundNames: string[] = [];
  const bindsByStep = node.sequence.map((step) => {
    const wanted = new Set(step.as === undefined ? [] : reads.flat().map((ref) => ref.ref).filter((ref) => ref.startsWith(`${step.as}.`)));
    boundNames.push(...wanted);
    return [...wanted].map((ref) => ref.slice(step.as!.length + 1));
  });
  const features: StepFeature[] = [];
  const plans = node.sequence.map((step, i): SequenceStepPlan => {
    const captures = [...new Set([...bindsByStep[i]!, ...reads[i]!.map((ref) => ref.property)])];
    // Only matched steps must lie in the sequence's own range (rule 23).
    const feature = registry.step({ name: step.performed, where: plainOf(step), range: step.absent ? undefined : range, captures, reachMs: window.reachMs });
    features.push(feature);
    return {
      withinMs: step.within === undefined ? Infinity : parseDuration(step.within)!,
      refs: reads[i]!.map((ref) => ({ op: ref.op, own: captures.indexOf(ref.property), bound: boundNames.indexOf(ref.ref) })),
      binds: bindsByStep[i]!.map((path) => captures.indexOf(path)),
    };
  });
  const hasAbsent = node.sequence[node.sequence.length - 1]!.absent === true;
  const plan: SequencePlan = {
    steps: hasAbsent ? plans.slice(0, -1) : plans,
    absent: hasAbsent ? plans[plans.length - 1] : undefined,
    window,
  };
  const shape = plans.map((step, i) => [features[i]!.key, step.withinMs, step.refs, step.binds]);
  return { key: `sequence ${window.key} ${hasAbsent} ${JSON.stringify(shape)}`, plan, steps: features };
}

function refsOf(step: SequenceStep): readonly RefFilter[] {
  return (step.where ?? []).filter((filter): filter is RefFilter => 'ref' in filter);
}

function plainOf(step: SequenceStep): readonly WhereFilter[] {
  return (step.where ?? []).filter((filter): filter is WhereFilter => !('ref' in filter));
}
