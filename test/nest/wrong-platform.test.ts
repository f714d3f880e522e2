import { Controller, Get, Next, Req, Res } from '@nestjs/common';
import express from 'express';
import express4 from 'express-4';
import { fastify } from 'fastify';
import type { RequestListener } from 'node:http';
import request from 'supertest';
import { downloadView, localFile } from 'filefield';
import { toExpress } from 'filefield/express';
import { toFastify } from 'filefield/fastify';
import { serve } from '../adapters/server.js';
import { openSite } from './site.js';

const view = downloadView(async () => ({ subject: null, file: () => localFile('package.json') }));
const failing = downloadView(async () => null);

function controllers() {
  @Controller('views')
  class Views {
    @Get('express')
    express(@Req() asked: never, @Res() answer: never, @Next() next: never) {
      return toExpress(view)(asked, answer, next);
    }

    @Get('forgotten-next')
    forgotten(@Req() asked: never, @Res() answer: never) {
      return toExpress(failing)(asked, answer, undefined as never);
    }

    @Get('fastify')
    fastify(@Req() asked: never, @Res() answer: never) {
      return toFastify(view)(asked, answer);
    }
  }
  return [Views];
}

const unhandled: unknown[] = [];
const note = (error: unknown) => void unhandled.push(error);
beforeAll(() => void process.on('unhandledRejection', note).on('uncaughtException', note));
afterAll(() => void process.off('unhandledRejection', note).off('uncaughtException', note));
afterEach(async () => {
  await new Promise((resolve) => setImmediate(resolve));
  expect(unhandled.splice(0)).toEqual([]);
});

describe.each(['express', 'fastify'] as const)('views in handlers of Nest on %s', (platform) => {
  it('work on their own platform, and are a 500 on the other', async () => {
    const site = await openSite({ platform, orm: 'typeorm' }, { controllers });
    try {
      const status = async (path: string) => (await request(site.url).get(`/views/${path}`)).status;
      expect(await status('express')).toBe(platform === 'express' ? 200 : 500);
      expect(await status('fastify')).toBe(platform === 'fastify' ? 200 : 500);
      expect(await status('forgotten-next')).toBe(500);
      expect(site.errors.lines).toHaveLength(2);
    } finally {
      await site.close();
    }
  });
});

it.each([
  ['Express 5', express],
  ['Express 4', express4 as unknown as typeof express],
])('a view for Fastify is a 500 on %s', async (_name, make) => {
  const app = make();
  app.get('/', toFastify(view) as never);
  app.use(((_error, _request, response, _next) => void response.sendStatus(500)) as express.ErrorRequestHandler);
  const { port, close } = await serve(app as unknown as RequestListener);
  try {
    expect((await request(`http://127.0.0.1:${port}`).get('/')).status).toBe(500);
  } finally {
    await close();
  }
});

it('a view for Express is a 500 on Fastify', async () => {
  const app = fastify();
  app.get('/', toExpress(failing) as never);
  try {
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    expect((await request(url).get('/')).status).toBe(500);
  } finally {
    await app.close();
  }
});
