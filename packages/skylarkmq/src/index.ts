export * from '@skylarkmq/client'
export * from '@skylarkmq/server'
