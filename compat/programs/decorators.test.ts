// Runs the program in a test runner: Jest or vitest.
import { finished } from './decorators';

it('serves an uploaded file', async () => {
  expect(await finished).toBe('created 201, refused 415, read image/png true');
});
