import type { EventSink } from './events.ts'

/**
 * Everything a node of the cluster takes from its host. Production passes `nodeEnv()`, a simulation passes one
 * environment per node. Nothing else in the repository reads a clock, a random number, a file or a socket.
 */
export interface Env {
  readonly clock: Clock
  readonly turn: Turn
  readonly random: Random
  readonly disk: Disk
  readonly net: Net
  readonly events: EventSink
}

/** A timer that can be cancelled. */
export interface Timer {
  cancel(): void
}

/** The clocks and timers of a node. */
export interface Clock {
  /** Wall clock, ms since 1970; may jump. */
  now(): number
  /** Ms from an arbitrary start; never goes back. For timeouts and durations. */
  monotonic(): number
  /** Calls `f` once, after `ms`. The timer does not keep the process alive. */
  after(ms: number, f: () => void): Timer
  /** Calls `f` every `ms`, until cancelled. The timer does not keep the process alive. */
  every(ms: number, f: () => void): Timer
  /** Keeps the process alive although only timers are pending, until cancelled. */
  keepAlive(): Timer
}

/**
 * The end of a turn of the event loop: when all input is handled, first every `writes` callback runs (the log), then
 * every `sends` callback (the sockets). So a reply never leaves before the message that it acknowledges is in the
 * page cache.
 *
 * A callback is called once per registration. A `writes` callback may register more work for this turn; what a
 * `sends` callback registers belongs to the next.
 */
export interface Turn {
  /** Registers a write to disk. Its error is passed to every `sends` callback of this turn. */
  writes(f: () => void): void
  /** Registers a write to a socket. `failure` is the error of a `writes` callback of this turn, if any. */
  sends(f: (failure: unknown) => void): void
  /** Registers a callback that begins the next turn: after everything is sent, before anything else is read. */
  next(f: () => void): void
}

/** Random numbers of a node. */
export interface Random {
  /** From 0 (inclusive) to 1 (exclusive). */
  next(): number
  /** `n` random bytes, suitable for ids, not for keys. */
  bytes(n: number): Buffer
}

/** A file or folder in a listing. */
export interface DiskEntry {
  readonly name: string
  readonly isDirectory: boolean
}

/** Facts about a file that is not open. */
export interface DiskStat {
  readonly sizeBytes: number
  readonly modifiedMs: number
  readonly isDirectory: boolean
}

/**
 * How full the file system of a path is. Free and available differ: blocks that are reserved for the super user or
 * exceed a quota are free, but not available.
 */
export interface DiskUsage {
  readonly totalBytes: number
  /** Unused bytes. */
  readonly freeBytes: number
  /** Unused bytes that this process may still write. */
  readonly availableBytes: number
}

/** `read`: must exist. `write`: must exist, may be written. `create`: created if missing, may be written. */
export type OpenMode = 'read' | 'write' | 'create'

/**
 * The file system of a node. Paths are absolute. Calls throw the host's errors, with its `code`
 * (`ENOENT`, `ENOSPC`, `EACCES`, …). A new name survives a power cut once its directory was synced.
 */
export interface Disk {
  open(path: string, mode: OpenMode): DiskFile
  /** Entries in no particular order; empty when the directory does not exist. */
  list(path: string): DiskEntry[]
  /** Undefined when the path does not exist. */
  stat(path: string): DiskStat | undefined
  makeDirectory(path: string): void
  rename(from: string, to: string): void
  /** Removes a file, if it exists. */
  remove(path: string): void
  /** Removes a directory if it exists and is empty; false when it is not empty. */
  removeDirectory(path: string): boolean
  /** Removes a directory with its content, if it exists. */
  removeTree(path: string): void
  syncDirectory(path: string): Promise<void>
  /** As `syncDirectory`, but blocking; for starts and rare operations. */
  syncDirectoryNow(path: string): void
  usage(path: string): DiskUsage
  /** The whole content; undefined when the file does not exist. */
  readFile(path: string): Buffer | undefined
  /** Replaces the whole content in place and closes; not synced. */
  writeFile(path: string, data: Uint8Array): void
  /**
   * Locks a directory until the process ends, however it ends, or the lock is released. Rejects with DirectoryLocked
   * when another living process has it, including one in another container or one stopped by a signal.
   */
  lock(directory: string): Promise<DirectoryLock>
}

/** A directory that this process has locked. */
export interface DirectoryLock {
  release(): void
}

/** One open file. */
export interface DiskFile {
  readonly path: string
  /** Returns once the data is in the page cache, where it survives the death of the process, but not of the machine. */
  writeNow(data: Uint8Array, position: number): void
  /** Returns the bytes read; fewer than requested only at the end of the file. For data that is likely cached. */
  readNow(target: Uint8Array, position: number): number
  /** As `writeNow`, in a thread of the pool. */
  writeAt(data: readonly Uint8Array[], position: number): Promise<void>
  /** As `readNow`, in a thread of the pool. */
  readAt(target: Uint8Array, position: number): Promise<number>
  /**
   * Resolves when every write that ended before the call is durable. A rejection is final: unsynced data may be lost.
   */
  sync(): Promise<void>
  /** As `sync`, but blocking; for start and stop. */
  syncNow(): void
  /** Bytes. */
  size(): number
  /** Truncates the file, or extends it with zeros that take no blocks. */
  resize(sizeBytes: number): void
  close(): void
}

/** Callbacks of a socket. `data` is valid until the call returns. */
export interface SocketEvents {
  data(chunk: Buffer): void
  /** The socket accepts data again. */
  drain(): void
  /** The socket is closed, for whatever reason; called once. */
  close(error: Error | undefined): void
}

/** A stream of bytes to a peer. */
export interface Socket {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  /** Bytes handed over that the host has not accepted yet. */
  readonly queuedBytes: number
  /**
   * A counter that changes while the host accepts queued data, also within one write. Not available for every socket.
   */
  readonly progress?: number
  /** Sets the listener of this socket. Nothing is delivered before. */
  handle(events: SocketEvents): void
  /**
   * Returns whether more may be written now; after false, wait for `drain`. `data` may be reused only when
   * `queuedBytes` is 0.
   */
  write(data: Uint8Array): boolean
  /** Stops `data` until `resume`. */
  pause(): void
  resume(): void
  /** Sends queued data, then closes. */
  end(): void
  /** Closes immediately. */
  destroy(): void
}

/** An open port. */
export interface Listener {
  readonly address: string
  readonly port: number
  /** Stops accepting connections; existing ones stay open. */
  close(): Promise<void>
}

/** TLS settings of a connection. The host's defaults apply otherwise. */
export interface TlsOptions {
  /** Trusted certificates, PEM, in place of the host's. */
  readonly ca?: string | Buffer
  /** Own certificate, PEM. */
  readonly cert?: string | Buffer
  /** The key of that certificate, PEM. */
  readonly key?: string | Buffer
  /** Whether an untrusted certificate closes the connection; default true. */
  readonly rejectUnauthorized?: boolean
  /** Name that the peer's certificate must have; default the host's. */
  readonly servername?: string
}

/** The network of a node. */
export interface Net {
  /** `port` 0 takes any free one. Rejects with the host's error (`EADDRINUSE`, `EACCES`, …). */
  listen(
    address: { host: string; port: number },
    accept: (socket: Socket) => void,
  ): Promise<Listener>
  /**
   * Rejects with the host's error, or after `timeoutMs` with `ETIMEDOUT`, or `ETIMEOUT` when not even the name was
   * resolved.
   */
  connect(address: {
    host: string
    port: number
    timeoutMs: number
    tls?: TlsOptions
  }): Promise<Socket>
  /** Addresses of this host's interfaces, IPv4 first, loopback last. */
  addresses(): string[]
}
