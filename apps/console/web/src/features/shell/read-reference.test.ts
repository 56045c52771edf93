import { readingsOf } from './read-reference.js';

const first = (text: string) => readingsOf(text).map(({ reference }) => reference);

test.each([
  ['', []],
  ['   ', []],
  ['42', ['userId:42', 'anonymousId:42', 'deviceId:42']],
  [' userId:42 ', ['userId:42']],
  ['email: ada@shop.example', ['email:ada@shop.example']],
  ['ada@shop.example', ['email:ada@shop.example', 'userId:ada@shop.example']],
  ['+49 (30) 123-456', ['phone:+4930123456', 'userId:+49 (30) 123-456']],
  ['crm:a:b', ['crm:a:b']],
  ['6F9619FF-8B86-D011-B42D-00C04FC964FF', ['6f9619ff-8b86-d011-b42d-00c04fc964ff', 'anonymousId:6F9619FF-8B86-D011-B42D-00C04FC964FF', 'userId:6F9619FF-8B86-D011-B42D-00C04FC964FF']],
])('"%s" may mean %j', (text, references) => {
  expect(first(text)).toEqual(references);
});
