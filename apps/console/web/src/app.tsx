import { type ComponentType, useCallback, useEffect, useState } from 'react';
import { ApiProblem, whenSessionLost } from './api/client.js';
import { currentSession, type Session } from './api/session.js';
import { BrandMark } from './design/brand-mark.js';
import { ErrorState } from './design/notice.js';
import { TipLayer } from './design/tip-layer.js';
import { LivePage } from './features/live/live-page.js';
import { LoginPage } from './features/login/login-page.js';
import { NotFoundPage } from './features/shell/not-found-page.js';
import { SessionContext } from './features/shell/session-context.js';
import { useLocation } from './navigation/location.js';
import styles from './app.module.css';

/** Every page by its path. A new feature adds its folder under features/ and its line here. */
const PAGES: { readonly [path: string]: ComponentType } = {
  '/': LivePage,
};

const WORKSPACE_RETRY_MS = 2_000;

type Gate = { readonly state: 'asking' } | { readonly state: 'out'; readonly isLost: boolean } | { readonly state: 'in'; readonly session: Session } | { readonly state: 'failed'; readonly error: Error };

/** Who is not logged in sees the login, at whatever address, and is there after it. */
export function App() {
  const [gate, setGate] = useState<Gate>({ state: 'asking' });
  const { path } = useLocation();
  const ask = useCallback(async () => {
    try {
      setGate({ state: 'in', session: await currentSession() });
    } catch (error) {
      setGate(error instanceof ApiProblem && error.status === 401 ? { state: 'out', isLost: false } : { state: 'failed', error: error as Error });
    }
  }, []);

  useEffect(() => {
    whenSessionLost(() => setGate((before) => ({ state: 'out', isLost: before.state === 'in' || (before.state === 'out' && before.isLost) })));
    void ask();
  }, [ask]);

  const isWithoutWorkspace = gate.state === 'in' && gate.session.workspace === null;
  useEffect(() => {
    if (!isWithoutWorkspace) return undefined;
    const timer = window.setInterval(() => void ask(), WORKSPACE_RETRY_MS);
    return () => window.clearInterval(timer);
  }, [isWithoutWorkspace, ask]);

  const Page = PAGES[path] ?? NotFoundPage;
  return (
    <>
      {gate.state === 'asking' && <Waiting text="Opening the console" />}
      {gate.state === 'failed' && <ErrorState title="The console does not answer" error={gate.error} onRetry={() => void ask()} />}
      {gate.state === 'out' && <LoginPage isSessionLost={gate.isLost} onLogin={(session) => setGate({ state: 'in', session })} />}
      {isWithoutWorkspace && <Waiting text="The workspace is being made. This page goes on by itself." />}
      {gate.state === 'in' && !isWithoutWorkspace && (
        <SessionContext value={{ session: gate.session, onLogout: () => setGate({ state: 'out', isLost: false }) }}>
          <Page />
        </SessionContext>
      )}
      <TipLayer />
    </>
  );
}

function Waiting({ text }: { readonly text: string }) {
  return (
    <div className={styles.waiting} role="status">
      <BrandMark size={40} />
      <p>{text}</p>
    </div>
  );
}
