import { isCloudEvent, openCloudEvent } from './read-cloud-event.js';

const data = { type: 'track', event: 'x', userId: 'u' };
const anEnvelope = (fields: object) => ({ specversion: '1.0', id: 'e-1', source: '/shop', type: 'shop.event', time: '2026-01-01T00:00:00Z', ...fields });
const decode = (text: string): string => {
  if (text !== 'BASE64') throw new Error('malformed');
  return JSON.stringify(data);
};

describe('a CloudEvents envelope', () => {
  test('is told from an event by its version beside data', () => {
    expect(isCloudEvent(anEnvelope({ data }))).toBe(true);
    expect(isCloudEvent(anEnvelope({ data_base64: 'BASE64' }))).toBe(true);
    expect(isCloudEvent(data)).toBe(false);
    expect(isCloudEvent({ ...data, specversion: '1.0' })).toBe(false);
    expect(isCloudEvent([anEnvelope({ data })])).toBe(false);
    expect(isCloudEvent(null)).toBe(false);
  });

  test('gives its data with its id and time', () => {
    expect(openCloudEvent(anEnvelope({ data }), decode)).toEqual({ data, text: JSON.stringify(data), id: 'e-1', time: '2026-01-01T00:00:00Z' });
  });

  test('may hold JSON as base64', () => {
    expect(openCloudEvent(anEnvelope({ data_base64: 'BASE64' }), decode)?.data).toEqual(data);
  });

  test('needs neither id nor time to be texts', () => {
    expect(openCloudEvent(anEnvelope({ data, id: 5, time: null }), decode)).toMatchObject({ id: null, time: null });
  });

  test.each([{ specversion: '0.3', data }, { specversion: '2.0', data }, { data_base64: '!' }, { data_base64: 7 }])('is none of ours: %j', (fields) => {
    expect(openCloudEvent(anEnvelope(fields), decode)).toBeNull();
  });
});
