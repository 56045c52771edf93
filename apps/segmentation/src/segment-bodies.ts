import { IsDefined, IsOptional, IsString, Length, Matches } from 'class-validator';

const KEY = /^[a-z0-9-]{1,100}$/;

/** What may be said of a segment; rules are validated by the domain, with pointers into them. */
export class PutSegmentBody {
  @IsString() @Length(1, 200) name: string;

  @IsOptional() @IsString() @Length(0, 2_000) description?: string;

  /** A node of the rule language (docs/rules.md). */
  @IsDefined() rule: unknown;

  /** Who is in stays while this holds. */
  @IsOptional() stay?: unknown;

  /** Only read when the whole resource is sent back; must be the key of the address. */
  @IsOptional() @Matches(KEY) key?: string;

  /** "paused": nobody is a member until it is "live" again. */
  @IsOptional() @Matches(/^(live|paused)$/) status?: 'live' | 'paused';
}

export class CreateSegmentBody extends PutSegmentBody {
  @Matches(KEY, { message: 'key is 1 to 100 of a–z, 0–9 and -' }) declare key: string;
}

export class PreviewBody {
  @IsDefined() rule: unknown;

  @IsOptional() stay?: unknown;

  /** Key of the segment that this would replace. */
  @IsOptional() @Matches(KEY) replaces?: string;
}
