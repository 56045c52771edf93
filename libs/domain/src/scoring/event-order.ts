/** Where an event stands among a profile's events. */
export interface EventStamp {
  /** Event time, epoch ms. */
  readonly timeMs: number;
  readonly messageId: string;
}

/** The order of events: by time, then by the UTF-8 bytes of their ids. Negative when `left` comes first, 0 for one event. */
export function compareEvents(left: EventStamp, right: EventStamp): number {
  return left.timeMs - right.timeMs || compareUtf8(left.messageId, right.messageId);
}

/** Compares as the UTF-8 bytes compare, which differs from `<` where surrogate pairs meet U+E000 and above. */
export function compareUtf8(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a !== b) return rank(a) - rank(b);
  }
  return left.length - right.length;
}

/** A surrogate is half of a character above all that fit in one code unit. */
function rank(codeUnit: number): number {
  return codeUnit >= 0xd800 && codeUnit <= 0xdfff ? codeUnit + 0x10000 : codeUnit;
}
