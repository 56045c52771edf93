import { Counter } from 'prom-client';

/**
 * Steps of merges, counted as they are applied (again, when a batch is tried again). `awaited` that stays ahead of
 * `arrived` means profiles for which no time passes: their `awaiting` is in `GET /v1/profiles/{ref}/scores/engagement`.
 */
export const mergeSteps = new Counter({
  name: 'tributary_scoring_merge_steps_total',
  help: 'Steps of profile merges',
  labelNames: ['step'] as const,
});
