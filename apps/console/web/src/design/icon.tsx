const PATHS = {
  entered: 'M2.500 8h8M7.500 4.800 10.700 8l-3.200 3.200M10 2.500h2.500a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H10',
  left: 'M6 8h8M10.800 4.800 14 8l-3.200 3.200M6 2.500H3.500a1 1 0 0 0-1 1v9a1 1 0 0 0 1 1H6',
  search: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10ZM10.700 10.700 14 14',
  pause: 'M5.500 3.500v9M10.500 3.500v9',
  play: 'M5 3.300v9.400l7.500-4.700L5 3.300Z',
  sun: 'M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM8 1.500v1.200M8 13.300v1.200M1.500 8h1.200M13.300 8h1.200M3.400 3.400l.9.9M11.700 11.700l.9.9M12.600 3.400l-.9.9M4.300 11.700l-.9.9',
  moon: 'M13.500 9.600A5.800 5.800 0 1 1 6.400 2.500a4.600 4.600 0 0 0 7.100 7.100Z',
  close: 'M4 4l8 8M12 4l-8 8',
  copy: 'M6 5.500h6.500v8H6zM3.500 10.500v-8H10',
  check: 'M3.500 8.400l3 3 6-6.600',
  cross: 'M4.500 4.500l7 7M11.500 4.500l-7 7',
  chevron: 'M6 4l4 4-4 4',
  back: 'M10 4 6 8l4 4',
  person: 'M8 8a2.700 2.700 0 1 0 0-5.400A2.700 2.700 0 0 0 8 8ZM2.800 13.500c.6-2.400 2.600-3.700 5.200-3.700s4.600 1.300 5.200 3.700',
  segments: 'M2.500 4.500h11M2.500 8h7M2.500 11.500h4',
  pulse: 'M1.500 8.500h3l2-5 3 9 2-4h3',
  logout: 'M6 2.500H3.500a1 1 0 0 0-1 1v9a1 1 0 0 0 1 1H6M7 8h7M11 5l3 3-3 3',
  warning: 'M8 2.300 14.300 13H1.700L8 2.300ZM8 6.500v3M8 11.300v.2',
  clock: 'M8 13.500a5.500 5.500 0 1 0 0-11 5.500 5.500 0 0 0 0 11ZM8 5v3.200l2 1.300',
  page: 'M4 2.500h5.500L12.500 5.500v8H4zM9.300 2.700v3h3',
  mail: 'M2 4h12v8.500H2zM2.300 4.300 8 8.700l5.700-4.400',
  cart: 'M1.800 3h1.900l1.600 7h6.900l1.500-5H4.300M6 13.200v.1M11.300 13.200v.1',
  eye: 'M1.700 8S4 3.800 8 3.800 14.300 8 14.300 8 12 12.200 8 12.200 1.700 8 1.700 8ZM8 9.800a1.800 1.800 0 1 0 0-3.600 1.800 1.800 0 0 0 0 3.600Z',
  dot: 'M8 8h.01',
  filter: 'M2.500 3.500h11L9.500 8.300v4.200l-3-1.300V8.300z',
} as const;

export type IconName = keyof typeof PATHS;

/** A line drawing in the colour of its text. It says nothing by itself: the text beside it, or its button's label, does. */
export function Icon({ name, size = 16 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth={name === 'dot' ? 5 : 1.5} strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
