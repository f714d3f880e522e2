import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const size = 32 * 1024 * 1024;

/** The built example in a process of its own; resolves to its URL. */
async function start(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout!.on('data', (chunk: Buffer) => (text += chunk.toString()));
  for (;;) {
    const url = /http:\/\/[\d.]+:\d+/.exec(text)?.[0];
    if (url) return url;
    if (child.exitCode !== null) throw new Error(`The example ended with ${child.exitCode}: ${text}`);
    await delay(20);
  }
}

describe('SIGTERM', () => {
  let folder: string;
  let child: ChildProcess;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'filefield-stop-'));
    // NODE_OPTIONS of Jest must not apply to the example.
    child = spawn(process.execPath, ['dist-example/entities-example/start.js', '--port', '0', '--data', folder], {
      env: { ...process.env, NODE_OPTIONS: undefined },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  });
  afterAll(async () => {
    if (child.exitCode === null) child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  it('lets a slow download end, accepts no new connection, and ends the process with 0', async () => {
    const url = await start(child);
    const form = new FormData();
    form.append('slug', 'big');
    form.append('file', new Blob([Buffer.alloc(size, 'text ')]), 'big.txt');
    expect((await fetch(`${url}/documents`, { method: 'POST', body: form })).status).toBe(201);

    const agent = new Agent({ keepAlive: true });
    const ask = async (at: string) => {
      const [response] = (await once(get(url + at, { agent }), 'response')) as [IncomingMessage];
      return response;
    };
    const idle = await ask('/rules');
    idle.resume();
    await once(idle, 'end');
    const download = await ask('/documents/big/file');
    // Nothing is read yet, so most of the file is still in the other process.

    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const refused = async () =>
      fetch(`${url}/rules`).then(
        () => false,
        () => true,
      );
    while (!(await refused())) await delay(20);
    expect(child.exitCode).toBeNull();

    let bytes = 0;
    for await (const chunk of download) bytes += (chunk as Buffer).byteLength;
    const before = Date.now();
    expect(bytes).toBe(size);
    expect(await ended).toEqual([0, null]);
    expect(Date.now() - before).toBeLessThan(4000);
    agent.destroy();
  });
});
