import { type AnchorHTMLAttributes, useSyncExternalStore } from 'react';

export interface Location {
  readonly path: string;
  readonly params: URLSearchParams;
}

const listeners = new Set<() => void>();
let current = read();
window.addEventListener('popstate', moved);

/** Where we are. Every view has an address, so that it can be reloaded, bookmarked and sent to a colleague. */
export function useLocation(): Location {
  return useSyncExternalStore(subscribe, () => current);
}

export function navigate(to: string, { replace = false }: { readonly replace?: boolean } = {}): void {
  if (to === window.location.pathname + window.location.search) return;
  window.history[replace ? 'replaceState' : 'pushState'](null, '', to);
  moved();
}

/** The present address with some parameters changed; null takes one away. */
export function withParams(changes: { readonly [name: string]: string | null }): string {
  const params = new URLSearchParams(current.params);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) params.delete(name);
    else params.set(name, value);
  }
  const query = params.toString();
  return query === '' ? current.path : `${current.path}?${query}`;
}

type LinkProps = AnchorHTMLAttributes<HTMLAnchorElement> & ({ readonly to: string } | { /** Parameters of the present address that it changes. */ readonly params: Parameters<typeof withParams>[0] });

/** A link within the console; opens in a new tab where the reader asks for that. */
export function Link({ onClick, ...rest }: LinkProps) {
  useLocation();
  const { to, params, ...attributes } = rest as { to?: string; params?: Parameters<typeof withParams>[0] };
  const address = to ?? withParams(params ?? {});
  return (
    <a
      href={address}
      onClick={(event) => {
        onClick?.(event);
        if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        navigate(address);
      }}
      {...attributes}
    />
  );
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function moved(): void {
  current = read();
  for (const listener of listeners) listener();
}

function read(): Location {
  return { path: window.location.pathname, params: new URLSearchParams(window.location.search) };
}
