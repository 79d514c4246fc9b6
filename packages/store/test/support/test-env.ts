import { memoryDisk } from '@skylarkmq/env'
import type { Disk, DiskFile, Env, EventDefinition, Turn } from '@skylarkmq/env'
import { manualClock } from '@skylarkmq/env/sim'
import type { ManualClock } from '@skylarkmq/env/sim'

/** An environment whose time, turns and faults a test decides. */
export interface TestEnv extends Env {
  readonly clock: ManualClock
  /** The end of the process: its timers fall silent. Returns an environment with the same disk and time. */
  kill(): TestEnv
  /** Ends the turn: writes first, then sends. */
  endTurn(): void
  /** Names of the events so far. */
  readonly seen: string[]
  /** Decides over each operation on a file: what it returns is thrown. */
  fault: ((operation: FileOperation, path: string) => Error | undefined) | undefined
}

/** What a fault may hit. */
export type FileOperation = 'write' | 'read' | 'sync' | 'resize' | 'create' | 'remove'

/** A host's error with its code. */
export function hostFailure(code: string): Error {
  return Object.assign(new Error(`${code}: made by a test`), { code })
}

/** Makes an environment; with `disk`, one that starts from what another left there. */
export function testEnv(disk?: Disk, clock: ManualClock = manualClock()): TestEnv {
  const seen: string[] = []
  const under = disk ?? memoryDisk(() => clock.now())
  let writes: (() => void)[] = []
  let sends: ((failure: unknown) => void)[] = []
  const turn: Turn = {
    writes: (f) => void writes.push(f),
    sends: (f) => void sends.push(f),
    next: (f) => void sends.push(f),
  }
  let isAlive = true
  const env: TestEnv = {
    clock: {
      ...clock,
      after: (ms, f) => clock.after(ms, () => isAlive && f()),
      every: (ms, f) => clock.every(ms, () => isAlive && f()),
    },
    kill: () => {
      isAlive = false
      return testEnv(under, clock)
    },
    turn,
    seen,
    fault: undefined,
    disk: faultyDisk(under, (operation, path) => env.fault?.(operation, path)),
    random: { next: () => 0.5, bytes: (n) => Buffer.alloc(n) },
    net: {
      listen: () => Promise.reject(new Error('no network here')),
      connect: () => Promise.reject(new Error('no network here')),
      addresses: () => [],
    },
    events: { emit: (definition: EventDefinition) => void seen.push(definition.name) },
    endTurn: () => {
      const [nowWrites, nowSends] = [writes, sends]
      writes = []
      sends = []
      let failure: unknown
      for (const write of nowWrites) {
        try {
          write()
        } catch (error) {
          failure ??= error
        }
      }
      for (const send of nowSends) send(failure)
    },
  }
  return env
}

type Fault = (operation: FileOperation, path: string) => Error | undefined

function faultyDisk(under: Disk, fault: Fault): Disk {
  const check = (operation: FileOperation, path: string): void => {
    const error = fault(operation, path)
    if (error !== undefined) throw error
  }
  return {
    ...under,
    open: (path, mode) => {
      if (mode === 'create' && under.stat(path) === undefined) check('create', path)
      return faultyFile(under.open(path, mode), check)
    },
    remove: (path) => {
      check('remove', path)
      under.remove(path)
    },
  }
}

function faultyFile(
  file: DiskFile,
  check: (operation: FileOperation, path: string) => void,
): DiskFile {
  return {
    path: file.path,
    writeNow: (data, position) => {
      check('write', file.path)
      file.writeNow(data, position)
    },
    readNow: (target, position) => {
      check('read', file.path)
      return file.readNow(target, position)
    },
    writeAt: (data, position) => file.writeAt(data, position),
    readAt: async (target, position) => {
      check('read', file.path)
      return file.readAt(target, position)
    },
    sync: async () => {
      check('sync', file.path)
      await file.sync()
    },
    syncNow: () => {
      file.syncNow()
    },
    size: () => file.size(),
    resize: (sizeBytes) => {
      check('resize', file.path)
      file.resize(sizeBytes)
    },
    close: () => {
      file.close()
    },
  }
}

/** Lets every promise settle that only waits for others. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
