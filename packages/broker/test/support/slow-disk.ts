import type { TestContext } from 'node:test'
import { memoryDisk, type Disk, type DiskFile } from '@skylarkmq/env'
import { manualClock, type ManualClock } from '@skylarkmq/env/sim'
import { testBroker } from './broker.ts'

/** A disk whose syncs of the log hang while a test wants it. */
function slowDisk(clock: ManualClock) {
  const disk = memoryDisk(() => clock.now())
  const state = { hangs: false, held: [] as (() => void)[] }
  const slow = (path: string, file: DiskFile): DiskFile =>
    new Proxy(file, {
      get: (target, name: keyof DiskFile) => {
        const value = Reflect.get(target, name) as unknown
        if (name === 'sync' && path.includes('commitlog')) {
          return async () => {
            if (state.hangs) await new Promise<void>((resolve) => state.held.push(resolve))
            await target.sync()
          }
        }
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
  const open = (path: string, ...rest: unknown[]): DiskFile =>
    slow(path, (disk.open as (...args: unknown[]) => DiskFile).call(disk, path, ...rest))
  const wrapped = new Proxy(disk, {
    get: (target, name: keyof Disk) => {
      if (name === 'open') return open
      const value = Reflect.get(target, name) as unknown
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  const release = (): void => {
    state.hangs = false
    for (const resolve of state.held.splice(0)) resolve()
  }
  return { disk: wrapped, state, release }
}

/** A broker on such a disk. */
export async function slowBroker(t: TestContext, config: object) {
  const clock = manualClock()
  const { disk, state, release } = slowDisk(clock)
  const broker = await testBroker(t, { clock, disk, config })
  return { ...broker, state, release }
}
