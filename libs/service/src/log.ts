import { pino } from 'pino';

/**
 * Structured logs on stdout. An ERROR line means that a person must act; a healthy day has none. Never a body, an
 * address, a key or a trait: ids and reasons only.
 */
export const log = pino({
  level: process.env['LOG_LEVEL'] ?? 'info',
  base: { service: process.env['SERVICE_NAME'] ?? 'tributary' },
  timestamp: pino.stdTimeFunctions.isoTime,
  redact: { paths: ['*.authorization', '*.email', '*.password', '*.secret', '*.writeKey', '*.adminKey'], censor: '[hidden]' },
});
