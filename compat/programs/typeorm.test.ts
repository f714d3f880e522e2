// Runs the program within a test runner: Jest or vitest.
import { finished } from './typeorm';

it('serves the file that was uploaded', async () => {
  expect(await finished).toBe('201 415 200 image/png same bytes');
});
