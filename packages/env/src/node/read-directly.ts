import net from 'node:net'

/** Who takes what a socket reads; nothing is read before it is set. */
export interface Receiver {
  /** `chunk` is valid until the call returns. */
  data: ((chunk: Buffer) => void) | undefined
}

/** What is used of Node's sockets beyond their documented part, as Node itself does to pass a socket on. */
interface Inside {
  _handle?: { readonly useUserBuffer?: unknown } | null
  _server?: unknown
}

const SHARED_BYTES = 64 * 1024
// One for all: what is read is handled before anything else is read.
const shared = Buffer.allocUnsafeSlow(SHARED_BYTES)

/**
 * Lets an accepted connection that has not begun to read do so into one buffer that all share, instead of a
 * new one for each read, and without a stream's events. Node offers that for connections that one opens oneself,
 * so the connection moves into a new socket, which is paused. Undefined, with `accepted` as it was, where Node
 * is made otherwise than known.
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
  // The new socket has the connection, and counts among those of the server.
  const moved = socket as Inside
  moved._server = inside._server
  inside._server = null
  inside._handle = null
  return socket
}
