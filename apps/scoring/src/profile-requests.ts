import { ArrayMaxSize, IsArray, IsOptional, IsString, MaxLength, MinLength } from 'class-validator';

const CURSOR_LENGTH_MAX = 2_048;
const REF_LENGTH_MAX = 1_024;
const BATCH_MAX = 1_000;

export class PageQuery {
  @IsOptional() @IsString() @MaxLength(10) limit?: string;
  @IsOptional() @IsString() @MaxLength(CURSOR_LENGTH_MAX) cursor?: string;
}

export class ProfilesQuery extends PageQuery {
  @IsOptional() @IsString() @MaxLength(REF_LENGTH_MAX) q?: string;
}

/** gRPC `Get`. */
export class GetRequest {
  @IsString() @MinLength(1) @MaxLength(REF_LENGTH_MAX) profile: string;
}

/** gRPC `BatchGet`. */
export class BatchGetRequest {
  @IsArray() @ArrayMaxSize(BATCH_MAX) @IsString({ each: true }) @MaxLength(REF_LENGTH_MAX, { each: true }) profiles: string[];
}

/** gRPC `ScoreCurve`. */
export class ScoreCurveRequest extends GetRequest {
  @IsString() @MinLength(1) @MaxLength(100) score: string;
}
