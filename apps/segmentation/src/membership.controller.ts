import { Controller, UseGuards } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import { Workspace } from '@tributary/service/admin-key-guard';
import { CallerGuard } from '@tributary/service/caller-guard';
import { notFound, Problem } from '@tributary/service/problem';
import { ProfileDirectory } from '@tributary/service/profile-directory';
import { Observable } from 'rxjs';
import { ChangeWatch, type WatchedChange } from './change-watch.js';
import { MembersStore } from './members.postgres.js';
import { MembershipLookup } from './membership-lookup.js';
import { toIso } from './show-segment.js';

const BATCH_MAX = 1_000;
const STREAM_PAGE = 1_000;

interface Membership {
  readonly member: boolean;
  readonly since: string;
}

/** gRPC `tributary.segmentation.v1.SegmentMembership`. */
@UseGuards(CallerGuard)
@Controller()
export class MembershipController {
  constructor(
    private readonly lookup: MembershipLookup,
    private readonly members: MembersStore,
    private readonly profiles: ProfileDirectory,
    private readonly watch: ChangeWatch,
  ) {}

  @GrpcMethod('SegmentMembership', 'IsMember')
  async isMember(@Payload() { profile, segment }: { profile: string; segment: string }, @Workspace() workspace: string): Promise<Membership & { as_of: string }> {
    const answer = await this.lookup.find({ workspace, segment, ref: profile });
    if (!answer.isSegment) throw notFound('segment with this key');
    if (!answer.isProfile) throw notFound('profile with this id or identifier');
    return { ...toMembership(answer.sinceMs), as_of: toIso(answer.asOfMs) ?? '' };
  }

  @GrpcMethod('SegmentMembership', 'BatchIsMember')
  async batchIsMember(@Payload() { profiles, segment }: { profiles: string[]; segment: string }, @Workspace() workspace: string): Promise<{ members: (Membership & { profile: string })[]; as_of: string }> {
    if (profiles.length > BATCH_MAX) throw new Problem(413, 'too_large', `Ask for at most ${BATCH_MAX} profiles at a time.`);
    const answers = await Promise.all(profiles.map((ref) => this.lookup.find({ workspace, segment, ref })));
    if (answers.some(({ isSegment }) => !isSegment)) throw notFound('segment with this key');
    const asOfMs = answers[0]?.asOfMs ?? (await this.members.standing()).asOfMs;
    return { members: answers.map(({ sinceMs }, index) => ({ profile: profiles[index] as string, ...toMembership(sinceMs) })), as_of: toIso(asOfMs) ?? '' };
  }

  @GrpcMethod('SegmentMembership', 'ListSegments')
  async listSegments(@Payload() { profile }: { profile: string }, @Workspace() workspace: string): Promise<object> {
    const profileId = await this.profiles.resolve(workspace, profile);
    const { asOfMs } = await this.members.standing();
    const segments = await this.members.segmentsOf(workspace, profileId);
    return { segments: segments.map(({ segment, sinceMs }) => ({ key: segment, since: toIso(sinceMs) })), as_of: toIso(asOfMs) ?? '' };
  }

  /** Pages through in constant memory; who reads slowly is asked slowly. */
  @GrpcMethod('SegmentMembership', 'ListMembers')
  listMembers(@Payload() { segment }: { segment: string }, @Workspace() workspace: string): Observable<{ profile_id: string; since: string }> {
    return new Observable((subscriber) => {
      void (async () => {
        if (!(await this.lookup.isSegment(workspace, segment))) throw notFound('segment with this key');
        let after: string | null = null;
        while (!subscriber.closed) {
          const page = await this.members.page(workspace, segment, after, STREAM_PAGE);
          for (const { profileId, sinceMs } of page) subscriber.next({ profile_id: profileId, since: toIso(sinceMs) ?? '' });
          if (page.length < STREAM_PAGE) break;
          after = page[page.length - 1]?.profileId ?? null;
        }
        subscriber.complete();
      })().catch((error: unknown) => subscriber.error(error));
    });
  }

  @GrpcMethod('SegmentMembership', 'Watch')
  watchChanges(@Payload() { segments, resume_token }: { segments: string[]; resume_token: string }, @Workspace() workspace: string): Observable<WatchedChange> {
    return this.watch.watch({ workspace, segments: new Set(segments), token: resume_token });
  }
}

function toMembership(sinceMs: number | null): Membership {
  return { member: sinceMs !== null, since: toIso(sinceMs) ?? '' };
}
