import { DEFAULT_NAMESRV_ADDR } from '@skylarkmq/client'
import { InvalidArgumentError, Option } from 'commander'

/** Addresses of name servers: `-n`, otherwise the environment, otherwise this machine. */
export function namesrvFlag(): Option {
  return new Option('-n, --namesrv-addr <addresses>', 'name servers, host:port joined by ;')
    .env('NAMESRV_ADDR')
    .default(DEFAULT_NAMESRV_ADDR)
}

/** Parses a whole number from 1 on. */
export function count(text: string): number {
  const value = Number(text)
  if (/^\d{1,9}$/.test(text) && value > 0) return value
  throw new InvalidArgumentError('It must be a whole number from 1 on.')
}
