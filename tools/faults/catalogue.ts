// Every kind of harm that the driver can do.
import { dataFaults } from './data-faults.ts';
import { diskFaults } from './disk-faults.ts';
import type { Fault } from './fault.ts';
import { networkFaults } from './network-faults.ts';
import { processFaults } from './process-faults.ts';
import { serverFaults } from './server-faults.ts';

export const catalogue: readonly Fault[] = [...processFaults, ...serverFaults, ...networkFaults, ...diskFaults, ...dataFaults];
