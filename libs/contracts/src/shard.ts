/** Profiles are spread over a fixed number of shards for ever; partitions divide it evenly. */
export const SHARDS = 256;

/**
 * The shard of a profile, 0–255: the first byte of its id, which is uniform because ids are keyed hashes.
 * @param profileId UUID in its printed form
 */
export function shardOf(profileId: string): number {
  return Number.parseInt(profileId.slice(0, 2), 16);
}

/** The partition of a profile in every topic keyed by profile. @param partitions a divisor of 256 */
export function partitionOf(profileId: string, partitions: number): number {
  return shardOf(profileId) % partitions;
}
