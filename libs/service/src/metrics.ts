import { collectDefaultMetrics, Counter, Gauge, Histogram, register } from 'prom-client';

collectDefaultMetrics();

/** What the process measures of its stages; names and labels are documented in docs/runbook.md. */
export const stageEndings = new Counter({ name: 'tributary_stage_endings_total', help: 'Records and entries by how they ended', labelNames: ['stage', 'ending', 'reason'] });
export const stageWatermark = new Gauge({ name: 'tributary_stage_watermark_seconds', help: 'Everything appended to the inlet before this instant has been applied', labelNames: ['stage', 'partition'] });
export const batchSeconds = new Histogram({ name: 'tributary_batch_seconds', help: 'Time from taking a batch to having published it', labelNames: ['line'], buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5] });
export const batchRecords = new Histogram({ name: 'tributary_batch_records', help: 'Records taken by a batch', labelNames: ['line'], buckets: [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000] });
export const batchFailures = new Counter({ name: 'tributary_batch_failures_total', help: 'Batches that failed and were tried again', labelNames: ['line'] });
export const ownershipLost = new Counter({ name: 'tributary_ownership_lost_total', help: 'Commits refused because a partition had another owner', labelNames: ['line'] });

/** Prometheus text of everything registered in this process. */
export function metricsText(): Promise<string> {
  return register.metrics();
}

export const metricsContentType: string = register.contentType;
