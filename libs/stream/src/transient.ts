/** What pg says without a code when a connection is gone or cannot be had. */
const CONNECTION_LOST = /^(Connection terminated|Connection ended|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|Query read timeout)/;

/**
 * Faults of the world, not of the data: trying again may help. Everything else is taken for a fault of the data, so what
 * a sender can influence (the text of a parser's error) must not decide here.
 */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, name } = error as { code?: unknown; name: string };
  if (name.startsWith('KafkaJS')) return true;
  if (typeof code !== 'string') return CONNECTION_LOST.test(error.message);
  // Node's own complaints about arguments (ERR_…) are bugs; errnos are the network's, PLT_KFK_… the other client's.
  if (/^(E[A-Z]+|EAI_[A-Z]+)$/.test(code) || code.startsWith('PLT_KFK_')) return true;
  // PostgreSQL: connection exceptions, insufficient resources, operator intervention, system errors, serialization, read only.
  return /^(08|53|57|58|40)...$/.test(code) || code === '25006';
}
