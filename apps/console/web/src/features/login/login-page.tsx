import { type FormEvent, useEffect, useRef, useState } from 'react';
import { logIn, type Session } from '../../api/session.js';
import { BrandMark } from '../../design/brand-mark.js';
import { Button } from '../../design/button.js';
import { Icon } from '../../design/icon.js';
import { Confluence } from './confluence.js';
import styles from './login-page.module.css';

interface LoginPageProps {
  /** Somebody was logged in just now. */
  readonly isSessionLost: boolean;
  onLogin(session: Session): void;
}

export function LoginPage({ isSessionLost, onLogin }: LoginPageProps) {
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const emailField = useRef<HTMLInputElement>(null);
  const passwordField = useRef<HTMLInputElement>(null);
  useEffect(() => emailField.current?.focus(), []);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setError(null);
    try {
      onLogin(await logIn(String(form.get('email')), String(form.get('password'))));
    } catch (failure) {
      setError((failure as Error).message);
      setBusy(false);
      passwordField.current?.select();
    }
  };

  return (
    <main className={styles.page}>
      <section className={styles.side}>
        <div className={styles.brand}>
          <BrandMark size={32} />
          <span>Tributary</span>
        </div>
        <form className={styles.form} onSubmit={(event) => void submit(event)} aria-labelledby="login-title">
          <h1 id="login-title" className={styles.title}>
            Sign in to the console
          </h1>
          {isSessionLost && error === null && <p className={styles.notice}>Your session has ended. Sign in to go on where you were.</p>}
          {error !== null && (
            <p className={styles.error} role="alert" id="login-error">
              <Icon name="warning" />
              {error}
            </p>
          )}
          <label className={styles.field}>
            <span>E-mail</span>
            <input ref={emailField} name="email" type="email" autoComplete="username" required maxLength={320} aria-describedby={error === null ? undefined : 'login-error'} />
          </label>
          <label className={styles.field}>
            <span>Password</span>
            <input ref={passwordField} name="password" type="password" autoComplete="current-password" required maxLength={1024} aria-describedby={error === null ? undefined : 'login-error'} />
          </label>
          <Button kind="primary" type="submit" className={styles.submit} disabled={isBusy}>
            {isBusy ? 'Signing in…' : 'Sign in'}
          </Button>
        </form>
        <p className={styles.foot}>Exact membership, to the millisecond.</p>
      </section>
      <aside className={styles.picture} aria-hidden="true">
        <Confluence />
      </aside>
    </main>
  );
}
