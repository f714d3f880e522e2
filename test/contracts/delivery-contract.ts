import { byteClaims } from './delivery/bytes.js';
import type { DeliveryBench } from './delivery/bench.js';
import { conditionClaims } from './delivery/conditions.js';
import { headerClaims } from './delivery/headers.js';
import { refusalClaims } from './delivery/refusals.js';
import { throughClaims } from './delivery/through.js';

/** Claims by title. Each rejects if the server in front breaks it. */
export type DeliveryClaims = Readonly<Record<string, (bench: DeliveryBench) => Promise<void>>>;

/** One claim of the contract. */
export interface DeliveryClaim {
  readonly title: string;
  readonly run: (bench: DeliveryBench) => Promise<void>;
}

/** Everything that a delivery and its server in front must do together, over real sockets. */
export const deliveryContract: readonly DeliveryClaim[] = Object.entries({
  ...byteClaims,
  ...conditionClaims,
  ...headerClaims,
  ...refusalClaims,
  ...throughClaims,
}).map(([title, run]) => ({ title, run }));
