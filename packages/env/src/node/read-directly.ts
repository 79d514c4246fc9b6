import net from 'node:net'

/** The consumer of what a socket reads; nothing is read before it is set. */
export interface Receiver {
  /** `chunk` is valid until the call returns. */
  data: ((chunk: Buffer) => void) | undefined
}

/** Undocumented parts of Node's sockets that are used, as Node itself does to pass a socket on. */
interface Inside {
  _handle?: { readonly useUserBuffer?: unknown } | null
  _server?: unknown
}

const SHARED_BYTES = 64 * 1024
// Shared by all: what is read is handled before the next read.
const shared = Buffer.allocUnsafeSlow(SHARED_BYTES)

/**
 * Makes an accepted connection that has not begun to read use one shared buffer, instead of a new one per read, and
 * no stream events. Node offers that only for outgoing connections, so the connection moves into a new socket, which
 * is paused. Undefined, with `accepted` unchanged, if Node's internals are not as expected.
 */
export function readDirectly(accepted: net.Socket, receiver: Receiver): net.Socket | undefined {
  const inside = accepted as Inside
  const handle = inside._handle
  if (typeof handle?.useUserBuffer !== 'function') return undefined
  const options = {
    handle,
    pauseOnCreate: true,
    onread: {
      buffer: shared,
      callback: (count: number): boolean => {
        receiver.data?.(shared.subarray(0, count))
        return true
      },
    },
  }
  const socket = new net.Socket(options as net.SocketConstructorOpts)
  // The new socket has the connection, and counts among the server's.
  const moved = socket as Inside
  moved._server = inside._server
  inside._server = null
  inside._handle = null
  return socket
}
