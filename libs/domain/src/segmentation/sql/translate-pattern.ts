import type { OutsidePattern } from './context.js';
import { lowerCasePattern } from './lower-case-pattern.js';

/**
 * The PostgreSQL expression that matches the same strings as an RE2 pattern, or undefined where none is certain.
 *
 * Only whether a string matches is asked, never where, so greediness and the order of alternatives do not matter and
 * any construct with the same language on both sides will do. What is taken: literals, escaped punctuation, `.`,
 * classes of single characters and ranges, `\d \w \s` and their negations, `\b`, anchors outside of repetitions,
 * groups that capture or not, alternatives, and repetitions up to 255. Everything else (flags, Unicode classes,
 * POSIX classes, `\x`, `\Q`) is for the caller to match.
 */
export function translatePattern({ pattern, ignoreCase }: OutsidePattern): string | undefined {
  const source = ignoreCase ? lowerCasePattern(pattern) : pattern;
  if (source.includes('\0') || !source.isWellFormed()) return undefined;
  const reader = new PatternReader(Array.from(source));
  const translated = reader.readAlternatives();
  return reader.isAtEnd && !reader.isLost ? translated : undefined;
}

const REPETITIONS_MAX = 255;
const CLASSES: Readonly<Record<string, string>> = { d: '0-9', w: '0-9A-Za-z_', s: '\\t\\n\\f\\r ' };
const CONTROLS: Readonly<Record<string, string>> = { t: '\\t', n: '\\n', r: '\\r', f: '\\f', v: '\\v' };
const WORD = '[0-9A-Za-z_]';
const AT_WORD_BOUNDARY = `(?:(?<=${WORD})(?!${WORD})|(?<!${WORD})(?=${WORD}))`;

class PatternReader {
  isLost = false;
  private at = 0;
  private anchors = 0;

  constructor(private readonly characters: readonly string[]) {}

  get isAtEnd(): boolean {
    return this.at >= this.characters.length;
  }

  readAlternatives(): string {
    const branches = [this.readBranch()];
    while (this.take('|')) branches.push(this.readBranch());
    return branches.length === 1 ? branches[0]! : `(?:${branches.join('|')})`;
  }

  private readBranch(): string {
    let branch = '';
    while (!this.isAtEnd && !this.isLost && this.peek() !== '|' && this.peek() !== ')') branch += this.readPiece();
    return branch === '' ? '(?:)' : branch;
  }

  private readPiece(): string {
    const anchorsBefore = this.anchors;
    const atom = this.readAtom();
    const count = this.readRepetition();
    if (count === undefined) return atom;
    return this.anchors > anchorsBefore ? this.giveUp() : `(?:${atom})${count}`;
  }

  private readAtom(): string {
    const character = this.next();
    switch (character) {
      case '.':
        return '[^\\n]';
      case '^':
      case '$':
        this.anchors += 1;
        return character;
      case '[':
        return this.readClass();
      case '(': {
        if (this.take('?') && !this.take(':')) return this.giveUp();
        const inside = this.readAlternatives();
        return this.take(')') ? `(?:${inside})` : this.giveUp();
      }
      case '\\':
        return this.readEscape();
      case '*':
      case '+':
      case '?':
      case '{':
        return this.giveUp();
      default:
        return literal(character);
    }
  }

  private readEscape(): string {
    const character = this.next();
    const negated = CLASSES[character.toLowerCase()];
    if (CLASSES[character] !== undefined) return `[${CLASSES[character]}]`;
    if (negated !== undefined) return `[^${negated}]`;
    if (CONTROLS[character] !== undefined) return CONTROLS[character];
    if (character === 'b') {
      this.anchors += 1;
      return AT_WORD_BOUNDARY;
    }
    return /^[!-/:-@[-`{-~]$/.test(character) ? literal(character) : this.giveUp();
  }

  private readClass(): string {
    const isNegated = this.take('^');
    let members = '';
    let isFirst = true;
    while (!this.isLost && (isFirst || this.peek() !== ']')) {
      isFirst = false;
      const low = this.readMember();
      if (Object.values(CLASSES).includes(low)) {
        members += low;
        continue;
      }
      if (this.peek() === '-' && this.characters[this.at + 1] !== ']') {
        this.next();
        members += `${low}-${this.readMember()}`;
      } else members += low;
    }
    return this.take(']') ? `[${isNegated ? '^' : ''}${members}]` : this.giveUp();
  }

  /** One character of a class, or a class of characters as its members. */
  private readMember(): string {
    const character = this.next();
    if (character !== '\\') return character === '[' && this.peek() === ':' ? this.giveUp() : memberLiteral(character);
    const escaped = this.next();
    if (CLASSES[escaped] !== undefined) return this.peek() === '-' ? this.giveUp() : CLASSES[escaped];
    if (CONTROLS[escaped] !== undefined) return CONTROLS[escaped];
    return /^[!-/:-@[-`{-~]$/.test(escaped) ? memberLiteral(escaped) : this.giveUp();
  }

  private readRepetition(): string | undefined {
    const count = this.readCount();
    // What RE2 calls lazy matches the same strings; a second repetition of the same piece is refused by RE2.
    if (count !== undefined && !this.take('?') && /^[*+{]$/.test(this.peek())) return this.giveUp();
    return count;
  }

  private readCount(): string | undefined {
    for (const sign of ['*', '+', '?']) if (this.take(sign)) return sign;
    const braces = /^\{([0-9]+)(,([0-9]*))?\}/.exec(this.characters.slice(this.at, this.at + 12).join(''));
    if (!braces) return undefined;
    this.at += braces[0].length;
    const [, low, range, high] = braces;
    if (Number(low) > REPETITIONS_MAX || Number(high ?? 0) > REPETITIONS_MAX || (high && Number(high) < Number(low))) return this.giveUp();
    return `{${Number(low)}${range === undefined ? '' : `,${high ? Number(high) : ''}`}}`;
  }

  private peek(): string {
    return this.characters[this.at] ?? '';
  }

  private take(character: string): boolean {
    if (this.peek() !== character) return false;
    this.at += 1;
    return true;
  }

  private next(): string {
    const character = this.characters[this.at];
    if (character === undefined) return this.giveUp();
    this.at += 1;
    return character;
  }

  private giveUp(): string {
    this.isLost = true;
    return '';
  }
}

function literal(character: string): string {
  return /^[A-Za-z0-9 ]$/.test(character) || character > '\x7f' ? character : codeOf(character);
}

function memberLiteral(character: string): string {
  return /^[A-Za-z0-9 ]$/.test(character) || character > '\x7f' ? character : codeOf(character);
}

/** Any character by its number, so that none is read as syntax. */
function codeOf(character: string): string {
  return `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`;
}
