import { RE2JS } from 're2js';

/**
 * RE2: linear in the text, whatever the pattern. Unanchored.
 * @throws Error for what is no RE2 pattern
 */
export function compilePattern(pattern: string, { ignoreCase }: { readonly ignoreCase: boolean }): (text: string) => boolean {
  const compiled = RE2JS.compile(pattern, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0);
  return (text) => compiled.matcher(text).find();
}
