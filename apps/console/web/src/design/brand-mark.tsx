/** Streams that become one. */
export function BrandMark({ size = 28 }: { readonly size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="#0b6f6b" />
      <path d="M6 9c6 0 6.500 7 12 7M6 23c6 0 6.500-7 12-7M6 16h20" fill="none" stroke="#fff" strokeWidth="2.600" strokeLinecap="round" />
      <circle cx="25" cy="16" r="2.800" fill="#7ff0dc" />
    </svg>
  );
}
