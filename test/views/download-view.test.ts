import { downloadView, virtualFile } from 'filefield';
import { runView } from 'filefield/testing';

const file = () => virtualFile({ name: 'a.txt', content: 'hello' });
const find = async () => ({ subject: 'the subject', file });

describe('downloadView', () => {
  it('answers 404 when find resolves to null or the file is null', async () => {
    expect((await runView(downloadView(async () => null))).status).toBe(404);
    expect((await runView(downloadView(async () => ({ subject: 0, file: () => null })))).status).toBe(404);
  });

  it.each([
    [undefined, 404],
    [404, 404],
    [403, 403],
  ] as const)('answers a refused request with onDenied %p by the status %d', async (onDenied, status) => {
    const view = downloadView(find, { authorize: () => false, onDenied });
    expect((await runView(view)).status).toBe(status);
  });

  it('admits a request only when authorize returns true itself', async () => {
    const admitted = async (value: unknown) =>
      (await runView(downloadView(find, { authorize: () => value as boolean }))).status;
    expect(await admitted(true)).toBe(200);
    for (const value of [false, undefined, null, 1, 'yes']) expect(await admitted(value)).toBe(404);
  });

  it('throws when it is made with an invalid onDenied', () => {
    expect(() => downloadView(find, { onDenied: 401 as never })).toThrow('The option "onDenied" must be 404 or 403.');
  });
});
