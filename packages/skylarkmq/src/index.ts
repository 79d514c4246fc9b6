export * from '@skylarkmq/server'
