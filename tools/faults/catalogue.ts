// Every kind of harm that the driver can do.
import type { Fault } from './fault.ts';
import { processFaults } from './process-faults.ts';

export const catalogue: readonly Fault[] = [...processFaults];
