// File systems of a run that can be filled.
import { execFileSync } from 'node:child_process';

/** A file system of its own for a server's data, small enough to be filled. @returns whether this machine permits it */
export function mountSmall(dir: string, megabytes: number): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tributary-faults', dir], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export function unmount(dir: string): void {
  try {
    execFileSync('umount', [dir], { stdio: 'ignore' });
  } catch {
    // It was not mounted.
  }
}
