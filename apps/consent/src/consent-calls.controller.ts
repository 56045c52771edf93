import { Controller, UseGuards } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import { isPurpose, permit } from '@tributary/domain/consent/policy';
import { Standings } from '@tributary/domain/consent/standings';
import { Workspace } from '@tributary/service/admin-key-guard';
import { CallerGuard } from '@tributary/service/caller-guard';
import { Problem } from '@tributary/service/problem';
import { ProfileDirectory } from '@tributary/service/profile-directory';
import { ConsentLedger } from './consent-ledger.postgres.js';
import { RecordConsent } from './record-consent.js';

interface CheckRequest {
  readonly profile: string;
  readonly purpose: string;
}

interface RecordRequest extends CheckRequest {
  readonly decision: string;
  readonly source: string;
  readonly text_version: string;
}

const TEXT_LENGTH_MAX = 200;

/** `tributary.consent.v1.Consent`: what other services ask in the moment before they act. */
@UseGuards(CallerGuard)
@Controller()
export class ConsentCallsController {
  constructor(
    private readonly directory: ProfileDirectory,
    private readonly ledger: ConsentLedger,
    private readonly recordConsent: RecordConsent,
  ) {}

  @GrpcMethod('Consent', 'Check')
  async check(@Payload() { profile, purpose }: CheckRequest, @Workspace() workspace: string): Promise<{ allowed: boolean; reason: string }> {
    checkPurpose(purpose);
    const profileId = await this.directory.resolve(workspace, profile);
    const standings = new Standings(await this.ledger.load([{ workspace, profileId }]));
    return permit(standings.policy(workspace, purpose), standings.standing(workspace, profileId, purpose)?.decision);
  }

  @GrpcMethod('Consent', 'Record')
  async record(@Payload() request: RecordRequest, @Workspace() workspace: string): Promise<{ receipt: string }> {
    const { profile, purpose, decision, source, text_version: textVersion } = request;
    checkPurpose(purpose);
    if (decision !== 'granted' && decision !== 'withdrawn') throw new Problem(400, 'malformed_decision', 'decision must be granted or withdrawn.');
    if (source === '' || source.length > TEXT_LENGTH_MAX || textVersion.length > TEXT_LENGTH_MAX) throw new Problem(400, 'malformed_source', 'source has 1 to 200 characters, text_version at most 200.');
    const { id } = await this.recordConsent.record(workspace, profile, { purpose, decision, source, textVersion, jurisdiction: null, proof: null, occurredAt: null });
    return { receipt: id };
  }
}

function checkPurpose(purpose: string): void {
  if (!isPurpose(purpose)) throw new Problem(400, 'malformed_purpose', 'A purpose has 1 to 100 of a-z, 0-9, - and _.');
}
