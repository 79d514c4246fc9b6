import { nodeEnv, silentEvents, type Net, type Socket } from '@skylarkmq/env'

const host = nodeEnv(silentEvents).net

/** Bytes that were written and not yet received, by the ports of who writes and who reads. */
const underWay = new Map<string, number>()

/**
 * The host's network for both ends of a test. It knows what is on its way, however long the host takes over it: time
 * that is the test's must not pass meanwhile.
 */
export const wire: Net = {
  listen: (address, accept) =>
    host.listen(address, (socket) => {
      accept(counted(socket))
    }),
  connect: async (address) => counted(await host.connect(address)),
  addresses: () => host.addresses(),
}

/** Waits until all that was written has arrived. */
export async function calm(): Promise<void> {
  while (underWay.size > 0) await new Promise((resolve) => setImmediate(resolve))
}

function counted(socket: Socket): Socket {
  const { localPort, remotePort } = socket
  const out = `${localPort} ${remotePort}`
  const back = `${remotePort} ${localPort}`
  let isOpen = true
  const count = (lane: string, bytes: number): void => {
    if (!isOpen) return
    const left = (underWay.get(lane) ?? 0) + bytes
    if (left === 0) underWay.delete(lane)
    else underWay.set(lane, left)
  }
  const end = (): void => {
    isOpen = false
    for (const lane of [out, back]) underWay.delete(lane)
  }
  return {
    remoteAddress: socket.remoteAddress,
    remotePort,
    localAddress: socket.localAddress,
    localPort,
    get queuedBytes() {
      return socket.queuedBytes
    },
    handle: (events) => {
      socket.handle({
        data: (chunk) => {
          count(back, -chunk.length)
          events.data(chunk)
        },
        drain: () => {
          events.drain()
        },
        close: (error) => {
          end()
          events.close(error)
        },
      })
    },
    write: (data) => {
      count(out, data.length)
      return socket.write(data)
    },
    pause: () => {
      socket.pause()
    },
    resume: () => {
      socket.resume()
    },
    end: () => {
      socket.end()
    },
    destroy: () => {
      end()
      socket.destroy()
    },
  }
}
