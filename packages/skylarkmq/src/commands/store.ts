import type { Command } from 'commander'
import { addStoreCheck } from './store-check.ts'
import { addStoreInspect } from './store-inspect.ts'
import { addStoreRepair } from './store-repair.ts'

/** Adds `store` with `check`, `inspect` and `repair`. */
export function addStoreCommands(program: Command): void {
  const store = program
    .command('store')
    .description('check, inspect and repair the store of a broker, Skylark’s or Apache’s')
  addStoreCheck(store)
  addStoreInspect(store)
  addStoreRepair(store)
}
