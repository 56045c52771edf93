// The log of changes in itself, and as it was published.
import type { Evidence, StoredChange } from './evidence.ts';
import { doubled, type Finding, lost, type Verdict, wrong } from './finding.ts';

export function checkChanges({ changes, laterChanges, published }: Evidence): Verdict[] {
  const byProfile = Map.groupBy(changes, ({ profileId }) => profileId);
  return [
    { invariants: '5', title: 'changes alternate, beginning with entered', checked: changes.length, findings: [...byProfile.values()].flatMap(findRepeated) },
    { invariants: '6', title: "a person's sequence has no gap", checked: changes.length, findings: [...byProfile].flatMap(([profileId, own]) => findGaps(profileId, own)) },
    { invariants: '9', title: 'every committed change is published, no other is', checked: published.length, findings: comparePublished({ changes, laterChanges, published }) },
  ];
}

function findRepeated(changes: readonly StoredChange[]): Finding[] {
  const inside = new Map<string, boolean>();
  const findings: Finding[] = [];
  for (const { profileId, sequence, segment, change } of changes) {
    if ((inside.get(segment) ?? false) === (change === 'entered')) findings.push(doubled(`${profileId} ${change} ${segment} twice in a row (sequence ${sequence})`));
    inside.set(segment, change === 'entered');
  }
  return findings;
}

function findGaps(profileId: string, changes: readonly StoredChange[]): Finding[] {
  return changes.flatMap(({ sequence }, index) => (sequence === index + 1 ? [] : [wrong(`${profileId}: change ${index + 1} has sequence ${sequence}`)])).slice(0, 1);
}

/** Topics were read after the changes, and the later changes after them: both directions can be held to the letter. */
function comparePublished({ changes, laterChanges, published }: Pick<Evidence, 'changes' | 'laterChanges' | 'published'>): Finding[] {
  const findings: Finding[] = [];
  const byPlace = new Map<string, string>();
  for (const { profileId, sequence, segment, change, effectiveAt, cause } of published) {
    const place = `${profileId}/${sequence}`;
    const text = `${segment} ${change} ${Date.parse(effectiveAt)} ${cause}`;
    const before = byPlace.get(place);
    if (before !== undefined && before !== text) findings.push(wrong(`change ${place} was published as "${before}" and as "${text}"`));
    byPlace.set(place, text);
  }
  for (const { profileId, sequence, segment, change, effectiveMs, cause } of changes) {
    const place = `${profileId}/${sequence}`;
    const told = byPlace.get(place);
    byPlace.delete(place);
    const text = `${segment} ${change} ${effectiveMs} ${cause}`;
    if (told === undefined) findings.push(lost(`change ${place} (${text}) was not published`));
    else if (told !== text) findings.push(wrong(`change ${place} is "${text}" and was published as "${told}"`));
  }
  for (const { profileId, sequence, segment, change, effectiveMs, cause } of laterChanges) {
    const place = `${profileId}/${sequence}`;
    if (byPlace.get(place) === `${segment} ${change} ${effectiveMs} ${cause}`) byPlace.delete(place);
  }
  for (const [place, text] of byPlace) findings.push(wrong(`change ${place} (${text}) was published and never committed`));
  return findings;
}
