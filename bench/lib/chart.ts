import type { Kept } from './report.js';
import { number } from './text.js';

const left = 320;
const width = 760;
const step = 20;
const top = 58;

/** A picture of ratios: a bar for each row, its quartiles, and a mark at its target. */
export function chart(title: string, results: readonly Kept[]): string {
  const rows = results.filter(({ ratio }) => ratio);
  const most = Math.min(6, Math.max(2, ...rows.map(({ ratio, target = 0 }) => Math.max(ratio!.q3, target))));
  const x = (ratio: number) => round(left + (Math.min(ratio, most) / most) * (width - left - 60));
  const height = top + rows.length * step + 12;
  const grid = Array.from({ length: Math.floor(most) + 1 }, (_value, ratio) => ratio).flatMap((ratio) => [
    `<path class="${ratio === 1 ? 'one' : 'grid'}" d="M${x(ratio)} ${top - 6}V${height - 8}"/>`,
    `<text class="small" x="${x(ratio)}" y="${top - 12}" text-anchor="middle">${ratio}</text>`,
  ]);
  const bars = rows.flatMap(({ name, peer, ratio, target }, index) => {
    const y = top + index * step;
    const { q1, median, q3 } = ratio!;
    const middle = y + 7;
    return [
      `<text x="${left - 8}" y="${y + 11}" text-anchor="end">${escaped(labelOf(name, peer!.name))}</text>`,
      `<rect class="${median >= 1 ? 'ahead' : 'behind'}" x="${left}" y="${y}" width="${round(x(median) - left)}" height="14" rx="2"/>`,
      `<path class="spread" d="M${x(q1)} ${middle}H${x(q3)}"/>`,
      ...(target === undefined ? [] : [`<path class="target" d="M${x(target)} ${y - 2}v18"/>`]),
      `<text x="${round(Math.max(x(q3), x(target ?? 0)) + 6)}" y="${y + 11}">${number(median, 2)}</text>`,
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">`,
    `<style>${style}</style>`,
    `<rect class="paper" width="${width}" height="${height}" rx="6"/>`,
    `<text class="title" x="16" y="24">${escaped(title)}</text>`,
    `<text class="small" x="${left}" y="24">cost of the other side ÷ ours: over 1, ours is cheaper; ┃ target</text>`,
    ...[...grid, ...bars],
    '</svg>\n',
  ].join('\n');
}

const style = [
  'text{font:12px system-ui,sans-serif;fill:#1f2328}.title{font-weight:600;font-size:14px}.small{font-size:11px;fill:#656d76}',
  '.paper{fill:#fff}.grid{stroke:#d0d7de}.one{stroke:#656d76;stroke-width:1.5}.ahead{fill:#2da44e}.behind{fill:#bf8700}',
  '.spread{stroke:#1f2328;stroke-width:1.5}.target{stroke:#0969da;stroke-width:2.5}',
  '@media(prefers-color-scheme:dark){text{fill:#e6edf3}.small{fill:#8d96a0}.paper{fill:#0d1117}.grid{stroke:#30363d}',
  '.one{stroke:#8d96a0}.ahead{fill:#2ea043}.behind{fill:#9e6a03}.spread{stroke:#e6edf3}.target{stroke:#58a6ff}}',
].join('');

/** The name of a row, in which the other side is written out. */
function labelOf(name: string, peer: string): string {
  const parts = name.replace(/^objects\//, '').split('/');
  if (peer.toLowerCase().includes(parts.at(-1)!)) parts.pop();
  return `${parts.join(' ')} : ${peer}`;
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const round = (value: number) => Math.round(value * 10) / 10;
