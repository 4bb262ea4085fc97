/** A message as the user agent gets it, decrypted. */
export type WebPushDelivery = {
  /** The name that the subscription was made for. */
  readonly device: string;
  readonly text: string;
  /** Seconds (RFC 8030 §5.2). */
  readonly ttl: number;
  /** RFC 8030 §5.3 */
  readonly urgency?: string;
  /** RFC 8030 §5.4 */
  readonly topic?: string;
  /** Milliseconds since 1970. */
  readonly at: number;
};
