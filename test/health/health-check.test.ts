import { healthCheck } from 'filefield/health';
import { brokenLink } from './broken-link.js';

const never = () => new Promise<never>(() => undefined);

describe('healthCheck', () => {
  it('resolves each link to the value of its work, and measures it', async () => {
    const seen: unknown[] = [];
    const check = healthCheck(async (link) => {
      seen.push(await link('one', 'One fails.', () => 1));
      seen.push(await link('two', 'Two fails.', async () => 'b'));
    });
    const { ok, links } = await check.run();
    expect(ok).toBe(true);
    expect(seen).toEqual([1, 'b']);
    expect(links.map(({ link }) => link)).toEqual(['one', 'two']);
    expect(links.every(({ milliseconds }) => Number.isInteger(milliseconds))).toBe(true);
  });

  it('stops at the first link that fails, with its sentence and cause', async () => {
    const cause = new Error('at /srv');
    let later = false;
    const check = healthCheck(async (link) => {
      await link('query', 'The database is down.', () => Promise.reject(cause));
      later = true;
    });
    const { error } = await brokenLink(check);
    expect(error).toMatchObject({ code: 'unhealthy', message: 'The database is down.', cause });
    expect(later).toBe(false);
  });

  it('fails at the link check when the function throws between links', async () => {
    const check = healthCheck(async () => {
      throw new Error('mine');
    });
    expect(await brokenLink(check)).toMatchObject({ link: 'check', error: { cause: { message: 'mine' } } });
  });

  it('fails at the running link when it is aborted, or at timeout between links', async () => {
    const controller = new AbortController();
    const inLink = healthCheck((link) => link('slow', 'It is slow.', never)).run({ signal: controller.signal });
    const between = healthCheck(never).run({ signal: controller.signal });
    controller.abort();
    expect((await inLink).links).toMatchObject([
      { link: 'slow', ok: false, error: { message: 'It did not finish in time.' } },
    ]);
    expect((await between).links).toMatchObject([{ link: 'timeout', ok: false }]);
  });

  it('runs no further link after it was aborted', async () => {
    const controller = new AbortController();
    let finish: () => void = () => undefined;
    let later = false;
    const check = healthCheck(async (link) => {
      await link('slow', 'It is slow.', () => new Promise<void>((resolve) => (finish = resolve)));
      await link('later', 'Later.', () => (later = true));
    });
    const running = check.run({ signal: controller.signal });
    controller.abort();
    const { links, cleared } = await running;
    finish();
    await cleared;
    expect(links).toHaveLength(1);
    expect(later).toBe(false);
  });
});
