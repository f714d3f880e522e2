// Runs the program in Jest.
import { finished } from './mikro-orm.mjs';

it('serves an uploaded file', async () => {
  expect(await finished).toBe('created 201, refused 415, read image/png true');
});
