import { createContext, useContext } from 'react';
import type { Session } from '../../api/session.js';

export interface SessionUse {
  readonly session: Session;
  onLogout(): void;
}

export const SessionContext = createContext<SessionUse | null>(null);

/** Who is logged in; only below the login. */
export function useSession(): SessionUse {
  const use = useContext(SessionContext);
  if (use === null) throw new Error('nobody is logged in here');
  return use;
}
