// Runs the program within Jest.
import { finished } from './mikro-orm.mjs';

it('serves the file that was uploaded', async () => {
  expect(await finished).toBe('created 201, refused 415, read image/png true');
});
