import { healthCheck } from 'filefield/health';
import { brokenLink } from './broken-link.js';

const never = () => new Promise<never>(() => undefined);

describe("a check of one's own", () => {
  it('gives each link the value that its work came to, and measures it', async () => {
    const seen: unknown[] = [];
    const check = healthCheck(async (link) => {
      seen.push(await link('one', 'One fails.', () => 1));
      seen.push(await link('two', 'Two fails.', async () => 'b'));
    });
    const { ok, links } = await check.run();
    expect([ok, seen, links.map(({ link }) => link)]).toEqual([true, [1, 'b'], ['one', 'two']]);
    expect(links.every(({ milliseconds }) => Number.isInteger(milliseconds))).toBe(true);
  });

  it('stops at the first broken link, and says what its author wrote', async () => {
    const cause = new Error('at /srv');
    let later = false;
    const check = healthCheck(async (link) => {
      await link('query', 'The database is down.', () => Promise.reject(cause));
      later = true;
    });
    const { error } = await brokenLink(check);
    expect([error?.code, error?.message, error?.cause, later]).toEqual([
      'unhealthy',
      'The database is down.',
      cause,
      false,
    ]);
  });

  it('never rejects: what fails between the links is a broken link too', async () => {
    const check = healthCheck(async () => {
      throw new Error('mine');
    });
    expect(await brokenLink(check)).toMatchObject({ link: 'check', error: { cause: { message: 'mine' } } });
  });

  it('is broken where it was cut short, in a link or between two', async () => {
    const cut = new AbortController();
    const inLink = healthCheck((link) => link('slow', 'It is slow.', never)).run({ signal: cut.signal });
    const between = healthCheck(never).run({ signal: cut.signal });
    cut.abort();
    expect((await inLink).links).toMatchObject([
      { link: 'slow', ok: false, error: { message: 'This took too long.' } },
    ]);
    expect((await between).links).toMatchObject([{ link: 'timeout', ok: false }]);
  });

  it('does nothing more once it was cut short', async () => {
    const cut = new AbortController();
    let finish: () => void = () => undefined;
    let later = false;
    const check = healthCheck(async (link) => {
      await link('slow', 'It is slow.', () => new Promise<void>((resolve) => (finish = resolve)));
      await link('later', 'Later.', () => (later = true));
    });
    const running = check.run({ signal: cut.signal });
    cut.abort();
    const { links, cleared } = await running;
    finish();
    await cleared;
    expect([links.length, later]).toEqual([1, false]);
  });
});
