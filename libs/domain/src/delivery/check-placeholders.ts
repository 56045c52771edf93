import { scanHtml, type PlaceholderPlace } from './scan-html.js';

export interface PlaceholderFault {
  readonly place: PlaceholderPlace;
  /** From 1. */
  readonly line: number;
}

/**
 * The placeholders of an HTML template at which escaping cannot keep a value from becoming markup: values between the
 * attributes of a tag, in attributes without quotes, and in scripts.
 */
export function checkPlaceholders(template: string): readonly PlaceholderFault[] {
  const faults: PlaceholderFault[] = [];
  scanHtml(template, {
    onPlaceholder(place, start) {
      if (place === 'unquoted' || place === 'tag' || place === 'script') faults.push({ place, line: template.slice(0, start).split('\n').length });
    },
  });
  return faults;
}
