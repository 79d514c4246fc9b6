import { RocketMQ, type ProducerOptions, type RocketMQOptions } from '@skylarkmq/client'
import type { FastifyPluginAsync, RegisterOptions } from 'fastify'
import plugin from 'fastify-plugin'
import { RocketMQOfApp } from './rocketmq-of-app.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** RocketMQ: a client, a producer, and consumers that live as long as the app. */
    rocketmq: RocketMQOfApp
  }
}

/** What the plug-in may be told, beside what RocketMQ's client may. */
export interface FastifyRocketMQOptions extends RocketMQOptions {
  /** A client to use in the place of an own one; it is not closed. */
  readonly client?: RocketMQ | undefined
  /** How `fastify.rocketmq.producer` sends. */
  readonly producer?: Omit<ProducerOptions, 'checkTransaction'>
  /** How long the end of the app may wait for brokers and handlers, ms; default 10000. */
  readonly closeTimeout?: number
}

const CLOSE_MS = 10_000

const FASTIFYS: ReadonlySet<string> = new Set<keyof RegisterOptions>([
  'prefix',
  'logLevel',
  'logSerializers',
])

/** What Fastify itself takes of the options of a plug-in is not RocketMQ's. */
function withoutFastifys(options: RocketMQOptions): RocketMQOptions {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !FASTIFYS.has(name)))
}

const register: FastifyPluginAsync<FastifyRocketMQOptions> = async (fastify, options) => {
  const { client, producer, closeTimeout = CLOSE_MS, ...rest } = options
  const own = withoutFastifys(rest)
  const mq = client ?? new RocketMQ({ logger: fastify.log.child({ client: 'rocketmq' }), ...own })
  const rocketmq = new RocketMQOfApp(mq, await mq.producer(producer), fastify.log)
  fastify.decorate('rocketmq', rocketmq)
  fastify.addHook('onReady', () => rocketmq.start())
  fastify.addHook('preClose', () => rocketmq.stopConsuming(closeTimeout))
  fastify.addHook('onClose', async () => {
    await rocketmq.producer.close()
    if (client === undefined) await mq.close({ timeout: closeTimeout })
  })
}

/**
 * Gives a Fastify app `fastify.rocketmq`, here and in all plug-ins.
 *
 * ```ts
 * await app.register(fastifyRocketMQ, { nameServers: 'localhost:9876' })
 * await app.rocketmq.producer.send({ topic: 'Orders', body: 'one' })
 * ```
 */
export const fastifyRocketMQ: FastifyPluginAsync<FastifyRocketMQOptions> = plugin(register, {
  name: '@skylarkmq/fastify',
  fastify: '5.x',
})
