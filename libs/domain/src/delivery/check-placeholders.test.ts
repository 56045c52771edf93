import { checkPlaceholders } from './check-placeholders.js';

describe('placeholders of a template', () => {
  test.each([
    ['between tags', '<p>{{ profile.x }}</p>'],
    ['in a quoted attribute, whatever the placeholder holds', '<a href="{{ profile.x | default: "a>b" }}" title=\'{{ y }}\'>'],
    ['in a tag of the template language', '<p {% if a > 3 %}class="x"{% endif %}>{{ x }}</p>'],
    ['in a comment of Outlook', '<!--[if mso]>{{ x }}<![endif]-->'],
    ['in a style sheet', '<style>a { color: {{ x }} }</style>'],
    ['in the title', '<title>{{ subject }}</title>'],
  ])('may stand %s', (_, template) => {
    expect(checkPlaceholders(template)).toEqual([]);
  });

  test.each([
    ['in an attribute without quotes', '<p>\n<a href={{ x }}>', 'unquoted', 2],
    ['behind the start of one', '<a href=https://x.example/{{ x }}>', 'unquoted', 1],
    ['as an attribute', '<a {{ x }}>', 'tag', 1],
    ['as the name of an element', '<{{ x }}>', 'tag', 1],
    ['as the end of a name', '\n<b{{ y }}>', 'tag', 2],
    ['in an end tag', '</{{ y }}>', 'tag', 1],
    ['in a script', '<script>var x = "{{ x }}"</script>', 'script', 1],
  ])('must not stand %s', (_, template, place, line) => {
    expect(checkPlaceholders(template)).toEqual([{ place, line }]);
  });
});
