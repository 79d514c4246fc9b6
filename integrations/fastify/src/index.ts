export * from './fastify-rocketmq.ts'
export * from './rocketmq-of-app.ts'
