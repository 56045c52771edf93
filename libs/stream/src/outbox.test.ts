import fc from 'fast-check';
import { decodeRecords, encodeRecords } from './outbox.js';
import type { OutRecord } from './stage.js';

const bytes = fc.option(fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)));
const records = fc
  .record({ topic: fc.string({ minLength: 1 }), partition: fc.option(fc.nat(255), { nil: undefined }), key: bytes, value: bytes, headers: fc.option(fc.dictionary(fc.string({ minLength: 1 }).filter((name) => name !== '__proto__'), fc.string()), { nil: undefined }) })
  .map(({ partition, headers, ...rest }): OutRecord => ({ ...rest, ...(partition === undefined ? {} : { partition }), ...(headers === undefined ? {} : { headers }) }));

test('what is kept for sending is what would have been sent', () => {
  const plain = ({ key, value, ...rest }: OutRecord) => ({ ...rest, key: key?.toString('hex') ?? null, value: value?.toString('hex') ?? null });
  fc.assert(fc.property(fc.array(records, { maxLength: 20 }), (all) => {
    expect(decodeRecords(encodeRecords(all)).map(plain)).toEqual(all.map(plain));
  }));
});
