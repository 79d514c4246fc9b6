// What the tests of `store-tools` share with those of the store.
export * from './damage.ts'
export * from './golden.ts'
export * from './stores.ts'
export * from './test-env.ts'
