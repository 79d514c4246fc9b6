import type { Net } from '@skylarkmq/env'
import { hostBytes } from '@skylarkmq/protocol'

/** What a broker says where it is. */
export interface AdvertisedAddress {
  readonly host: string
  /** `host` as bytes: what each record says of its broker. */
  readonly hostBytes: Uint8Array
  /** Whether name servers of our make should tell each client the address that it asked. */
  readonly followsAsker: boolean
}

const LOOPBACK = Uint8Array.of(127, 0, 0, 1)

/**
 * The address that a broker tells: `brokerIP1` if set; else the one address that it listens on; else, when
 * it listens on all, this host's first address that is not loopback.
 */
export function advertisedAddress(
  net: Net,
  brokerIP1: string,
  bindAddress: string,
): AdvertisedAddress {
  const listensOnAll = bindAddress === '0.0.0.0' || bindAddress === '::' || bindAddress === ''
  const followsAsker = brokerIP1 === '' && listensOnAll
  const host =
    brokerIP1 !== '' ? brokerIP1 : listensOnAll ? (net.addresses()[0] ?? '127.0.0.1') : bindAddress
  const bytes = hostBytes(host === 'localhost' ? '127.0.0.1' : host)
  return { host, hostBytes: bytes ?? LOOPBACK, followsAsker }
}
