import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium, type BrowserContext, type Page } from 'playwright-core';
import { startApplication, type Running } from './start-application.js';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const utf8Name = 'Grüße aus 東京 – notes.txt';
const uploadName = 'naïve Übersicht – 日本語 😀.txt';

/** The members of browser classes that this test uses; TypeScript's DOM library would change the types of all other files. */
interface Video {
  currentTime: number;
  muted: boolean;
  readonly duration: number;
  readonly readyState: number;
  readonly seekable: { end(index: number): number };
  play(): Promise<void>;
  pause(): void;
  addEventListener(event: string, listener: (value: unknown) => void, options: { once: boolean }): void;
}

interface Picture {
  readonly naturalWidth: number;
  decode(): Promise<void>;
}

// In CI a missing browser is a failure.
const enabled = existsSync(executablePath) || Boolean(process.env.CI);
if (!enabled) process.stderr.write(`NO BROWSER TEST: there is no Chromium at ${executablePath}; set CHROMIUM.\n`);

(enabled ? describe : describe.skip)('the page in Chromium', () => {
  let running: Running;
  let folder: string;
  let context: BrowserContext;
  let page: Page;
  const warnings: string[] = [];

  beforeAll(async () => {
    running = await startApplication({ seed: true });
    folder = await mkdtemp(path.join(tmpdir(), 'filefield-browser-'));
    context = await chromium.launchPersistentContext(folder, {
      executablePath,
      acceptDownloads: true,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--autoplay-policy=no-user-gesture-required',
      ],
    });
    page = await context.newPage();
    page.setDefaultTimeout(15_000);
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') warnings.push(message.text());
    });
    page.on('pageerror', (error) => warnings.push(String(error)));
    page.on('dialog', (dialog) => void dialog.accept());
    await page.goto(running.url);
    await card('Into the Mandelbrot set').waitFor();
  });

  afterAll(async () => {
    await context?.close();
    await running?.close();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  afterEach(() => {
    expect(warnings.splice(0)).toEqual([]);
  });

  const shelf = (name: string) => page.getByRole('region', { name });
  const card = (title: string) =>
    page.locator('.card', { has: page.getByRole('heading', { name: title, exact: true }) });

  test('shows the UTF-8 name and the start of the text of an upload', async () => {
    await shelf('Documents')
      .locator('form input[type=file]')
      .setInputFiles({ name: uploadName, mimeType: 'text/plain', buffer: Buffer.from('new <b>text</b>') });
    await card(uploadName).waitFor();
    expect(await card(uploadName).locator('.name').textContent()).toBe(uploadName);
    expect(await card(uploadName).locator('.facts').textContent()).toMatch(/^15 bytes · plain text · /);
    await card(uploadName).getByText('new <b>text</b>').waitFor();
    expect(await shelf('Documents').locator('.count').textContent()).toBe('5 files');
  });

  test('replaces and deletes a file', async () => {
    await card('A small handbook')
      .locator('input[type=file]')
      .setInputFiles({ name: 'new.md', mimeType: '', buffer: Buffer.from('# new') });
    await card('A small handbook').getByText('# new').waitFor();
    await card('A small handbook').getByRole('button', { name: 'Delete' }).click();
    await card('A small handbook').waitFor({ state: 'detached' });
  });

  test('shows a sentence that says why a file is refused', async () => {
    await shelf('Photos')
      .locator('form input[type=file]')
      .setInputFiles({ name: 'photo.png', mimeType: 'image/png', buffer: Buffer.from('no picture') });
    await page
      .getByRole('alert')
      .getByText('We can’t accept “photo.png”: its content is not PNG, JPEG, GIF, or WebP.')
      .waitFor();
    // Chromium logs the 415 itself, and nothing else is logged.
    expect(warnings.splice(0)).toEqual([expect.stringContaining('415')]);
  });

  test('seeks in a video and plays on from there', async () => {
    const video = card('Into the Mandelbrot set').locator('video');
    const { seekable, reached, later } = await video.evaluate(async (element: Video) => {
      const next = (event: string) =>
        new Promise((resolve) => element.addEventListener(event, resolve, { once: true }));
      if (element.readyState < 1) await next('loadedmetadata');
      const goal = element.duration * 0.8;
      const seeked = next('seeked');
      element.currentTime = goal;
      await seeked;
      const reached = element.currentTime / element.duration;
      element.muted = true;
      await element.play();
      while (element.currentTime < goal + 0.5) await next('timeupdate');
      element.pause();
      return { seekable: element.seekable.end(0), reached, later: element.currentTime - goal };
    });
    expect(seekable).toBeGreaterThan(39);
    expect(reached).toBeCloseTo(0.8, 2);
    expect(later).toBeGreaterThanOrEqual(0.5);
  });

  test('shows a photo', async () => {
    const image = card('Dusk').locator('img');
    await image.scrollIntoViewIfNeeded();
    await image.evaluate((element: Picture) => element.decode());
    expect(await image.evaluate((element: Picture) => element.naturalWidth)).toBe(1200);
  });

  test('downloads a file with its UTF-8 name', async () => {
    const started = page.waitForEvent('download');
    await card('Notes with a UTF-8 name').getByRole('link', { name: 'Download' }).click();
    const download = await started;
    expect(download.suggestedFilename()).toBe(utf8Name);
    expect(await readFile(await download.path(), 'utf8')).toContain('いろはにほへと');
  });
});
