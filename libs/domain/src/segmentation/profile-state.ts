/** All that rules remember of one profile. Opaque outside this folder. */
export interface ProfileState {
  readonly profileId: string;
}
