import type { Check, LinkResult } from 'filefield/health';

/** The one link that is broken; an error if none is. */
export async function brokenLink(check: Check): Promise<LinkResult> {
  const { ok, links } = await check.run();
  const broken = links.filter((link) => !link.ok);
  if (ok || broken.length !== 1 || links.at(-1) !== broken[0]) {
    throw new Error(`not one broken link at the end: ${JSON.stringify(links)}`);
  }
  return broken[0]!;
}
