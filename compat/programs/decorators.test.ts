// Runs the program within a test runner: Jest or vitest.
import { finished } from './decorators';

it('serves the file that was uploaded', async () => {
  expect(await finished).toBe('created 201, refused 415, read image/png true');
});
