export * from './errors.ts'
export * from './log.ts'
export { nearest } from './nearest.ts'
export * from './start-server.ts'
