/**
 * The pattern for texts that are lower-cased (rule 14: both sides are). Letters that stand for themselves are
 * lower-cased; those of an escape (`\D`, `\PL`, `\p{Greek}`) or of a group's flags are syntax and stay.
 */
export function lowerCasePattern(pattern: string): string {
  return pattern.replace(SYNTAX_OR_TEXT, (part, syntax: string | undefined) => syntax ?? part.toLowerCase());
}

const SYNTAX_OR_TEXT = /(\\[pP]\{[^}]*\}|\\[pP]?.|\(\?P?<[^>]*>|\(\?[A-Za-z-]*[:)]|\[:\^?[a-z]+:\])|[^\\([]+|[\\([]/gsu;
