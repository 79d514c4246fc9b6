/** How handlers say that they are for RocketMQ and no other transport: `@EventPattern('Orders', ROCKETMQ_TRANSPORT)`. */
export const ROCKETMQ_TRANSPORT = Symbol('ROCKETMQ_TRANSPORT')

/** Property of a reply whose body is not an answer but what went wrong. */
export const ERROR_PROPERTY = 'nest-err'

/** Property of a message that waits for a reply. */
export const REQUEST_PROPERTY = 'CORRELATION_ID'
