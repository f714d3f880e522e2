import type { Check, LinkResult } from 'filefield/health';

/** Runs a check and returns the link that failed. Throws unless exactly one failed, the last. */
export async function brokenLink(check: Check): Promise<LinkResult> {
  const { ok, links } = await check.run();
  const broken = links.filter((link) => !link.ok);
  if (ok || broken.length !== 1 || links.at(-1) !== broken[0]) {
    throw new Error(`expected one failed link at the end: ${JSON.stringify(links)}`);
  }
  return broken[0]!;
}
