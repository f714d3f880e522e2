import autocannon from 'autocannon';
import { fork } from 'node:child_process';
import { once } from 'node:events';

const rounds = 5;
const seconds = Number(process.env.BENCH_SECONDS ?? 3);

async function rate(url: string): Promise<number> {
  const result = await autocannon({ url, connections: 32, duration: seconds });
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${url}: ${result.non2xx} responses without success, ${result.errors} errors`);
  return result.requests.average;
}

const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

const child = fork(new URL('./server.js', import.meta.url));
const [{ port }] = (await once(child, 'message')) as [{ port: number }];
const base = `http://127.0.0.1:${port}`;

console.log(`object view compared with findOneBy + res.sendFile: Express 5, SQLite, local folder, 32 connections,`);
console.log(`medians of ${rounds} interleaved runs of ${seconds} s (Node ${process.version})\n`);
console.log('| size | view, requests/s | by hand, requests/s | ratio |\n| --- | --- | --- | --- |');
for (const [name, bytes] of [
  ['1 KiB', 1024],
  ['1 MiB', 2 ** 20],
] as const) {
  const viewRates: number[] = [];
  const handRates: number[] = [];
  await rate(`${base}/view/${bytes}`);
  for (let round = 0; round < rounds; round += 1) {
    viewRates.push(await rate(`${base}/view/${bytes}`));
    handRates.push(await rate(`${base}/hand/${bytes}`));
  }
  const [view, hand] = [median(viewRates), median(handRates)];
  console.log(`| ${name} | ${view.toFixed(0)} | ${hand.toFixed(0)} | ${(view / hand).toFixed(2)} |`);
}
child.disconnect();
