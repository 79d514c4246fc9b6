export * from './errors.ts'
export * from './events.ts'
export * from './name-server.ts'
export * from './options.ts'
