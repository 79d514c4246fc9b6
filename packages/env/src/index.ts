export * from './env.ts'
export * from './events.ts'
