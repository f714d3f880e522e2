import { jest } from '@jest/globals';
import type { IncomingMessage } from 'node:http';
import { HttpError, downloadView, virtualFile } from 'filefield';
import { toNode } from 'filefield/node';
import { adapterContract } from '../contracts/adapter-contract.js';
import { askServer, head, serve, talk, until } from './server.js';

adapterContract('the adapter of node:http', {
  mount: (handler, onError) => (request, response) => {
    response.setHeader('X-Before', 'kept');
    response.setHeader('Cache-Control', 'no-store');
    const report = (error: unknown) => (response.headersSent ? console.error(error) : onError(new HttpError(error)));
    void toNode(handler, { onError: report })(request, response);
  },
});

describe('the adapter of node:http', () => {
  it('passes the parameters and the request to the view', async () => {
    const seen: unknown[] = [];
    const view = downloadView<IncomingMessage, null>(async ({ params, raw }) => {
      seen.push(params, raw.url);
      return null;
    });
    const server = await serve((request, response) => void toNode(view)(request, response, { id: '7' }));
    await askServer(server.port, { path: '/a' });
    expect(seen).toEqual([{ id: '7' }, '/a']);
    await server.close();
  });

  it('closes the connection after an HTTP/1.0 response, with or without a length', async () => {
    const view = (size?: number) =>
      downloadView(async () => ({
        subject: 0,
        file: () =>
          virtualFile({
            name: 'x',
            size,
            content: async function* () {
              yield 'abc';
            },
          }),
      }));
    for (const size of [3, undefined]) {
      const server = await serve((request, response) => void toNode(view(size))(request, response));
      const client = await talk(server.port, 'GET / HTTP/1.0\r\n\r\n');
      await client.closed;
      expect(client.received().toString()).toMatch(/\r\n\r\nabc$/);
      expect(client.received().toString()).not.toMatch(/chunked/);
      await server.close();
    }
  });

  it('reports each failure once, to onError or 5xx on the console', async () => {
    const printed = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    const server = await serve((request, response) => {
      const view = request.url === '/404' ? downloadView(async () => null) : () => Promise.reject(new Error('mine'));
      void toNode(view)(request, response);
    });
    await askServer(server.port, { path: '/404' });
    expect(printed).not.toHaveBeenCalled();
    await askServer(server.port, { path: '/500' });
    expect(printed.mock.calls).toEqual([[expect.objectContaining({ message: 'mine' })]]);
    printed.mockRestore();
    await server.close();
  });

  it('sends no second response when the program has sent one', async () => {
    const errors: unknown[] = [];
    const server = await serve((request, response) => {
      const view = downloadView(async () => {
        response.end('mine');
        // The response is closed by then.
        if (request.url === '/late') await new Promise((resolve) => setTimeout(resolve, 50));
        return { subject: 0, file: () => virtualFile({ name: 'x', content: 'theirs' }) };
      });
      void toNode(view, { onError: (error) => errors.push(error) })(request, response);
    });
    const client = await talk(server.port, head('GET') + head('GET', '/late', { connection: 'close' }));
    await client.closed;
    expect(
      client
        .received()
        .toString()
        .match(/mine|theirs/g),
    ).toEqual(['mine', 'mine']);
    await until(() => errors.length === 2, 'both errors');
    expect(errors).toMatchObject([{ code: 'invalid_option' }, { code: 'invalid_option' }]);
    await server.close();
  });
});
