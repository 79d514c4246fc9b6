import { Logger as NestLogger } from '@nestjs/common'
import type { Logger } from '@skylarkmq/client'

/** Hands what a client of RocketMQ has to say to Nest's logger. */
export function nestLogger(context: string): Logger {
  const logger = new NestLogger(context)
  return {
    debug: (_, message) => {
      logger.debug(message)
    },
    info: (_, message) => {
      logger.log(message)
    },
    warn: (_, message) => {
      logger.warn(message)
    },
    error: (_, message) => {
      logger.error(message)
    },
  }
}
