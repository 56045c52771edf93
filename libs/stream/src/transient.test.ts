import { isTransient } from './transient.js';

const coded = (code: string, message = 'x') => Object.assign(new Error(message), { code });

test.each([
  ['a refused connection', coded('ECONNREFUSED')],
  ['a name that cannot be resolved now', coded('EAI_AGAIN')],
  ['a server that shuts down', coded('57P01', 'terminating connection due to administrator command')],
  ['a connection failure', coded('08006')],
  ['no connection slots left', coded('53300')],
  ['a deadlock', coded('40P01')],
  ['a full disk', coded('53100')],
  ['a standby', coded('25006')],
  ['a connection that broke', new Error('Connection terminated unexpectedly')],
  ['no connection in time', new Error('timeout exceeded when trying to connect')],
  ['a broker without leader', Object.assign(new Error('no leader'), { name: 'KafkaJSProtocolError' })],
])('%s may pass', (_, error) => {
  expect(isTransient(error)).toBe(true);
});

test.each([
  ['a text that PostgreSQL cannot store', coded('22P05')],
  ['a violated constraint', coded('23505')],
  ['a bug', new TypeError("Cannot read properties of undefined (reading 'connection')")],
  ['a wrong argument', coded('ERR_INVALID_ARG_TYPE')],
  ['a parser that quotes what a sender wrote', syntaxErrorOf('{"a": connection timeout terminated}')],
  ['something thrown that is no error', 'ECONNREFUSED'],
])('%s stays', (_, error) => {
  expect(isTransient(error)).toBe(false);
});

function syntaxErrorOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return error;
  }
}
