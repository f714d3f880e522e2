import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import fs from 'node:fs';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { jest } from '@jest/globals';
import express from 'express';
import { pathView, xAccelRedirect, type PathViewOptions } from 'filefield';
import { pathDownloadView } from 'filefield/express';
import { expectDownload, runView } from 'filefield/testing';
import { askServer, serve } from '../adapters/server.js';
import { descriptorsBelow } from '../support/descriptors-below.js';

const base = mkdtempSync(path.join(tmpdir(), '.path-view-'));
const root = path.join(base, '.release', 'public');

beforeAll(() => {
  mkdirSync(path.join(root, 'sub', '.git'), { recursive: true });
  mkdirSync(`${root}-not`);
  writeFileSync(path.join(base, 'secret.txt'), 'SECRET');
  writeFileSync(path.join(`${root}-not`, 'secret.txt'), 'SECRET');
  writeFileSync(path.join(root, 'file.txt'), 'hello');
  writeFileSync(path.join(root, 'sub', 'naïve plan.pdf'), 'pdf');
  writeFileSync(path.join(root, '.env'), 'SECRET');
  writeFileSync(path.join(root, 'sub', '.git', 'config'), 'SECRET');
  writeFileSync(path.join(root, '%2e%2e'), 'odd');
  symlinkSync('file.txt', path.join(root, 'inside.txt'));
  symlinkSync(path.join(base, 'secret.txt'), path.join(root, 'outside.txt'));
  symlinkSync(`${root}-not`, path.join(root, 'beside'));
  symlinkSync('loop', path.join(root, 'loop'));
  symlinkSync(root, path.join(base, 'current'));
});
afterAll(() => rmSync(base, { recursive: true }));
afterEach(() => jest.restoreAllMocks());

const get = (below: string | readonly string[], options: Partial<PathViewOptions<unknown>> = {}) =>
  runView(pathView({ root, path: () => below, ...options }));

describe('pathView', () => {
  it('serves a file below the root, also when the path of the root has dots', async () => {
    await expectDownload(await get('file.txt'), { text: 'hello', name: 'file.txt', type: 'text/plain; charset=utf-8' });
    await expectDownload(await get(['sub', 'naïve plan.pdf']), { text: 'pdf', name: 'naïve plan.pdf' });
    await expectDownload(await runView(pathView({ root, path: 'file.txt' })), { text: 'hello' });
    await expectDownload(await get('%2e%2e'), { text: 'odd' });
  });

  it.each([
    '../secret.txt',
    'sub/../../secret.txt',
    '..',
    '.',
    '',
    '/',
    '/etc/hostname',
    '//file.txt',
    'file.txt/',
    'file.txt/x',
    './file.txt',
    '..\\secret.txt',
    'sub\\x',
    'file.txt\u0000',
    '\u0000',
    '%2e%2e/secret.txt',
    '..%2fsecret.txt',
    '../public-not/secret.txt',
    'sub',
    'nothing.txt',
    'loop',
    'outside.txt',
    'beside/secret.txt',
    '.env',
    'sub/.git/config',
    'x'.repeat(5000),
    '\ud800',
  ])('answers 404 to %j', async (below) => {
    const { status, body } = await get(below);
    expect({ status, leaked: body.includes('SECRET') }).toEqual({ status: 404, leaked: false });
  });

  it('answers 404 without a path, and to segments that contain a slash', async () => {
    expect((await get(undefined as never)).status).toBe(404);
    expect((await get(['..', 'secret.txt'])).status).toBe(404);
    expect((await get(['../secret.txt'])).status).toBe(404);
    expect((await get(['sub/naïve plan.pdf'])).status).toBe(404);
  });

  it('follows links inside the root, and others only with symlinks: follow', async () => {
    await expectDownload(await get('inside.txt'), { text: 'hello', name: 'inside.txt' });
    await expectDownload(await get('outside.txt', { symlinks: 'follow' }), { text: 'SECRET' });
    await expectDownload(await get('file.txt', { root: path.join(base, 'current') }), { text: 'hello' });
    expect((await get('outside.txt', { root: path.join(base, 'current') })).status).toBe(404);
  });

  it('serves dot files only with dotFiles: show', async () => {
    await expectDownload(await get('.env', { dotFiles: 'show' }), { text: 'SECRET' });
    expect((await get('../secret.txt', { dotFiles: 'show' })).status).toBe(404);
  });

  it('checks the file that it opened, so that switching a link meanwhile has no effect', async () => {
    const link = path.join(root, 'switched.txt');
    const { open } = fs;
    let opens = 0;
    for (const [first, then] of [
      [path.join(base, 'secret.txt'), path.join(root, 'file.txt')],
      [path.join(root, 'file.txt'), path.join(base, 'secret.txt')],
    ] as const) {
      rmSync(link, { force: true });
      symlinkSync(first, link);
      jest.spyOn(fs, 'open').mockImplementation(((
        target: string,
        flags: number,
        done: (...args: unknown[]) => void,
      ) => {
        open(target, flags, (error, fd) => {
          // The first attempt follows no link.
          if (error) return done(error);
          opens += 1;
          rmSync(link);
          symlinkSync(then, link);
          done(error, fd);
        });
      }) as never);
      const { status, body } = await get('switched.txt');
      const expected = first.startsWith(root) ? { status: 200, body: 'hello' } : { status: 404, body: '' };
      expect({ status, body: body.toString() }).toEqual(expected);
    }
    expect(opens).toBe(2);
  });

  it('checks links also without /proc', async () => {
    jest.spyOn(fs, 'readlinkSync').mockImplementation(() => {
      throw new Error('ENOENT');
    });
    await expectDownload(await get('inside.txt'), { text: 'hello' });
    expect((await get('outside.txt')).status).toBe(404);
    expect((await get('beside/secret.txt')).status).toBe(404);
  });

  it('leaves no descriptor open after any response', async () => {
    for (let turn = 0; turn < 100; turn += 1) {
      for (const below of ['file.txt', 'outside.txt', 'sub', 'nothing']) await get(below);
      const view = pathView({ root, path: 'file.txt' });
      for (const [name, value] of [
        ['if-none-match', '*'],
        ['if-match', '"x"'],
        ['range', 'bytes=9-'],
      ] as const) {
        await runView(view, { headers: { [name]: value } });
      }
      await runView(view, { method: 'HEAD' });
    }
    expect(descriptorsBelow(base)).toBe(0);
  });

  it('checks a file before a delivery hands it over', async () => {
    const delivery = xAccelRedirect({ [root]: '/_public' });
    expect((await get('sub/naïve plan.pdf', { delivery })).headers['x-accel-redirect']).toBe(
      '/_public/sub/na%C3%AFve%20plan.pdf',
    );
    for (const below of ['outside.txt', 'nothing.txt', 'sub', '../secret.txt']) {
      expect((await get(below, { delivery })).status).toBe(404);
    }
  });

  it('throws without a root', () => {
    expect(() => pathView({ root: '', path: 'x' })).toThrow('The option "root" of pathView must name a folder');
  });

  it('serves nothing outside of the root for a raw request target', async () => {
    const app = express();
    app.get('/*file', pathDownloadView({ root, path: (request) => request.params.file }));
    const server = await serve(app as unknown as RequestListener);
    const targets = ['/../secret.txt', '/..%2fsecret.txt', '/..%5csecret.txt', '/sub/../../secret.txt', '/%00'];
    for (const target of [...targets, '/file.bin/x', '/file.txt/', '/%c0%ae%c0%ae/secret.txt', '/%2e%2e/secret.txt']) {
      const { status, body } = await askServer(server.port, { path: target });
      expect({ target, refused: [400, 404].includes(status), leaked: body.includes('SECRET') }).toEqual({
        target,
        refused: true,
        leaked: false,
      });
    }
    expect((await askServer(server.port, { path: '/sub/na%C3%AFve%20plan.pdf' })).body.toString()).toBe('pdf');
    await server.close();
  });
});
