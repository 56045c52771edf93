// npm run simulate -- [--seed 1] [--stories 100]: stories of the keyed stages, one after the other; prints what is wrong.
import { parseArgs } from 'node:util';
import { simulate } from '@tributary/testing/simulation/simulate';

const { values: options } = parseArgs({ options: { seed: { type: 'string', default: '1' }, stories: { type: 'string', default: '100' } } });
const first = Number(options.seed);
const startedMs = performance.now();
let steps = 0;
for (let seed = first; seed < first + Number(options.stories); seed++) {
  const story = await simulate({ seed });
  steps += story.steps;
  for (const wrong of story.wrong) console.log(`seed ${seed}: ${wrong}`);
  if (story.wrong.length > 0) {
    console.log(`npm run simulate -- --seed ${seed} --stories 1 tells it again: ${JSON.stringify(story.happened)}`);
    process.exitCode = 1;
    break;
  }
}
console.log(`${steps} steps in ${((performance.now() - startedMs) / 1_000).toFixed(1)} s`);
