import { deliveryContract } from '../contracts/delivery-contract.js';
import { DeliveryBench, type DeliveryMember } from '../contracts/delivery/bench.js';
import { haveFront } from './start-front.js';

/** The delivery contract for one server. */
export function frontSuite(member: DeliveryMember): void {
  (haveFront(member.server) ? describe : describe.skip)(`${member.server} keeps the delivery contract`, () => {
    const bench = new DeliveryBench(member);
    beforeAll(() => bench.start());
    afterAll(() => bench.stop());
    it.each(deliveryContract)('$title', ({ run }) => run(bench));
  });
}
