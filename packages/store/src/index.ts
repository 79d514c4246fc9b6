export * from './message.ts'
export * from './message-store.ts'
export * from './options.ts'
export * from './status.ts'
