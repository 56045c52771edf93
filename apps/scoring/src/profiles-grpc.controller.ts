import { Controller, UseGuards } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import type { Json } from '@tributary/contracts/rule';
import { Workspace } from '@tributary/service/admin-key-guard';
import { CallerGuard } from '@tributary/service/caller-guard';
import { BatchGetRequest, GetRequest, ScoreCurveRequest } from './profile-requests.js';
import { Profiles } from './profiles.js';
import type { ProfileResource } from './show-profile.js';

/** `tributary.scoring.v1.Profiles`: see libs/contracts/src/proto/scoring.proto. */
@UseGuards(CallerGuard)
@Controller()
export class ProfilesGrpcController {
  constructor(private readonly profiles: Profiles) {}

  @GrpcMethod('Profiles', 'Get')
  async get(@Payload() { profile }: GetRequest, @Workspace() workspace: string): Promise<object> {
    return toMessage(await this.profiles.get(workspace, profile));
  }

  @GrpcMethod('Profiles', 'BatchGet')
  async batchGet(@Payload() { profiles }: BatchGetRequest, @Workspace() workspace: string): Promise<object> {
    const found = await this.profiles.getMany(workspace, profiles);
    return { answers: found.map((profile) => (profile === null ? { found: false } : { found: true, profile: toMessage(profile) })) };
  }

  @GrpcMethod('Profiles', 'ScoreCurve')
  async scoreCurve(@Payload() { profile, score }: ScoreCurveRequest, @Workspace() workspace: string): Promise<object> {
    const { steps, awaiting, approximate } = await this.profiles.curve(workspace, profile, score);
    return { steps: steps.map((step) => ({ from_ms: step.fromMs, score: step.score })), awaiting, approximate };
  }
}

function toMessage(profile: ProfileResource): object {
  const { createdAt, updatedAt, cluster, traits, computed, ...rest } = profile;
  return { ...rest, traits: toStruct(traits), computed: toStruct(computed), cluster: cluster ?? '', created_at: createdAt, updated_at: updatedAt };
}

/** google.protobuf.Struct, as the loader wants it. */
function toStruct(object: { readonly [name: string]: Json }): object {
  return { fields: Object.fromEntries(Object.entries(object).map(([name, value]) => [name, toValue(value)])) };
}

function toValue(value: Json): object {
  if (value === null) return { nullValue: 'NULL_VALUE' };
  switch (typeof value) {
    case 'string':
      return { stringValue: value };
    case 'number':
      return { numberValue: value };
    case 'boolean':
      return { boolValue: value };
    default:
      return Array.isArray(value) ? { listValue: { values: value.map(toValue) } } : { structValue: toStruct(value as { readonly [name: string]: Json }) };
  }
}
