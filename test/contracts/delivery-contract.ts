import { byteClaims } from './delivery/bytes.js';
import type { DeliveryBench } from './delivery/bench.js';
import { conditionClaims } from './delivery/conditions.js';
import { headerClaims } from './delivery/headers.js';
import { refusalClaims } from './delivery/refusals.js';
import { throughClaims } from './delivery/through.js';

/** What must be true of a server in front, as functions that reject where it is not. */
export type DeliveryClaims = Readonly<Record<string, (bench: DeliveryBench) => Promise<void>>>;

export interface DeliveryClaim {
  readonly title: string;
  readonly run: (bench: DeliveryBench) => Promise<void>;
}

/** What every delivery must do with its server in front, over real sockets. */
export const deliveryContract: readonly DeliveryClaim[] = Object.entries({
  ...byteClaims,
  ...conditionClaims,
  ...headerClaims,
  ...refusalClaims,
  ...throughClaims,
}).map(([title, run]) => ({ title, run }));
