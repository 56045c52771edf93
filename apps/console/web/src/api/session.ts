import { request, setCsrfToken } from './client.js';

export interface Session {
  readonly email: string;
  readonly csrfToken: string;
  readonly expiresAt: string;
  readonly workspace: string | null;
}

export async function currentSession(signal?: AbortSignal): Promise<Session> {
  return remember(await request<Session>('/session', signal === undefined ? {} : { signal }));
}

export async function logIn(email: string, password: string): Promise<Session> {
  return remember(await request<Session>('/session', { method: 'POST', body: { email, password } }));
}

export async function logOut(): Promise<void> {
  await request('/session', { method: 'DELETE' });
  setCsrfToken('');
}

function remember(session: Session): Session {
  setCsrfToken(session.csrfToken);
  return session;
}
