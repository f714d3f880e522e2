import type { StreamReason } from '../fronts/explain.js';
import { saysHeader } from './probe-view.js';

const reasons: Readonly<Record<StreamReason, string>> = {
  no_path: 'the storage has no folder on this machine',
  no_url: 'the storage has no URLs',
  no_place: 'the folder of the storage is not among the places that the delivery was given',
  not_there: 'the program does not find the file in the folder that the storage names',
  small: 'the probe of 300 KiB is smaller than its "minSize"',
  name: 'this server cannot be told such a name',
  encoded: 'something in between encodes the file',
  condition: 'the request has a condition that fails',
  no_rule: 'no rule is about it',
  none: 'a rule says that nobody else is to send it',
};

/** The sentence for a program that sends the bytes itself although it was given a delivery. */
export function whyStreamed(headers: Readonly<Record<string, unknown>>): string {
  const reason = /reason=(\w+)/.exec(String(headers[saysHeader]))?.[1] as StreamReason | undefined;
  const why = reason && Object.hasOwn(reasons, reason) ? `: ${reasons[reason]}` : '';
  return `The program sends the bytes itself and does not hand over${why}.`;
}
