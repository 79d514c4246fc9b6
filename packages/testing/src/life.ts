import type { Disk, DiskFile, Env, Socket, Timer, Turn } from '@skylarkmq/env'
import type { TestNetwork } from './network.ts'

/** One life of a server: an environment that can be taken away at any moment. */
export interface Life {
  readonly env: Env
  /**
   * Ends it as the death of a process would: no timer fires, nothing is written or sent any more. What was written
   * stays, as it does in the page cache.
   */
  end(): void
}

/** Begins a life in an environment, whose disk, clock and network continue after its end. */
export function beginLife(env: Env, network: TestNetwork): Life {
  let isAlive = true
  const endings = new Set<() => void>()
  const timer = (made: Timer): Timer => {
    const cancel = (): void => {
      endings.delete(cancel)
      made.cancel()
    }
    endings.add(cancel)
    return { cancel }
  }
  const { clock, turn } = env
  return {
    env: {
      ...env,
      clock: {
        now: () => clock.now(),
        monotonic: () => clock.monotonic(),
        after: (ms, f) => {
          const made = timer(
            clock.after(ms, () => {
              made.cancel()
              f()
            }),
          )
          return made
        },
        every: (ms, f) => timer(clock.every(ms, f)),
        keepAlive: () => timer(clock.keepAlive()),
      },
      turn: mortalTurn(turn, () => isAlive),
      net: {
        listen: async (address, accept) => {
          const listener = await network.listen(address, accept)
          endings.add(() => {
            network.close(listener)
          })
          return listener
        },
        connect: async (address) => {
          const socket: Socket = await network.connect(address)
          endings.add(() => {
            socket.destroy()
          })
          return socket
        },
        addresses: () => network.addresses(),
      },
      disk: mortalDisk(env.disk, () => isAlive),
    },
    end: () => {
      isAlive = false
      for (const f of [...endings]) f()
    },
  }
}

function mortalTurn(turn: Turn, isAlive: () => boolean): Turn {
  return {
    writes: (f) => {
      turn.writes(() => {
        if (isAlive()) f()
      })
    },
    sends: (f) => {
      turn.sends((failure) => {
        if (isAlive()) f(failure)
      })
    },
    next: (f) => {
      turn.next(() => {
        if (isAlive()) f()
      })
    },
  }
}

function mortalDisk(disk: Disk, isAlive: () => boolean): Disk {
  const check = (): void => {
    if (isAlive()) return
    throw Object.assign(new Error('the process was killed by its test'), { code: 'EIO' })
  }
  const file = (made: DiskFile): DiskFile => ({
    path: made.path,
    writeNow: (data, position) => {
      check()
      made.writeNow(data, position)
    },
    readNow: (target, position) => made.readNow(target, position),
    writeAt: async (data, position) => {
      check()
      await made.writeAt(data, position)
    },
    readAt: (target, position) => made.readAt(target, position),
    sync: async () => {
      check()
      await made.sync()
    },
    syncNow: () => {
      check()
      made.syncNow()
    },
    size: () => made.size(),
    resize: (sizeBytes) => {
      check()
      made.resize(sizeBytes)
    },
    close: () => {
      made.close()
    },
  })
  return {
    ...disk,
    open: (path, mode) => {
      check()
      return file(disk.open(path, mode))
    },
    makeDirectory: (path) => {
      check()
      disk.makeDirectory(path)
    },
    rename: (from, to) => {
      check()
      disk.rename(from, to)
    },
    remove: (path) => {
      check()
      disk.remove(path)
    },
    removeDirectory: (path) => {
      check()
      return disk.removeDirectory(path)
    },
    removeTree: (path) => {
      check()
      disk.removeTree(path)
    },
    writeFile: (path, data) => {
      check()
      disk.writeFile(path, data)
    },
  }
}
