/** What all deliveries share that let somebody else send the bytes. */
export interface HandOverOptions {
  /**
   * Adds the header `X-Filefield-Delivery` to every download: who sends it or, where that is this process, why. Tells a
   * stranger no more than that.
   * @default false
   */
  readonly explain?: boolean;
  /**
   * Bytes from which on a file is handed over; smaller ones are streamed. For the little ones that costs less: the server
   * in front asks twice, and nginx opens a connection for each.
   * @default 0
   */
  readonly minSize?: number;
}
