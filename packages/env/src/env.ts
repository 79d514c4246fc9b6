import type { EventSink } from './events.ts'

/**
 * Everything a node of the cluster takes from its host. Production passes `nodeEnv()`, a simulation
 * passes one environment per node. Nothing else in the repository reads a clock, a random number, a
 * file or a socket.
 */
export interface Env {
  readonly clock: Clock
  readonly turn: Turn
  readonly random: Random
  readonly disk: Disk
  readonly net: Net
  readonly events: EventSink
}

/** A timer that can be called off. */
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
  /** Calls `f` every `ms`, until called off. The timer does not keep the process alive. */
  every(ms: number, f: () => void): Timer
  /** Keeps the process alive, though it has nothing to wait for but timers, until called off. */
  keepAlive(): Timer
}

/**
 * The end of a turn of the event loop: when all that has arrived is handled, first every `writes`
 * callback (the log), then every `sends` callback (the sockets). So a reply never leaves before the
 * message that it acknowledges is in the page cache.
 *
 * A callback is called once per registration. What a `writes` callback registers still belongs to this turn,
 * what a `sends` callback registers to the next.
 */
export interface Turn {
  /** Registers a write to disk. What it throws is passed to every `sends` callback of this turn. */
  writes(f: () => void): void
  /** Registers a write to a socket. `failure` is what a `writes` callback of this turn threw, if any did. */
  sends(f: (failure: unknown) => void): void
  /** Registers what begins the next turn: called when all of this one has been sent, before anything else is read. */
  next(f: () => void): void
}

/** Random numbers of a node. */
export interface Random {
  /** From 0 up to but without 1. */
  next(): number
  /** `n` random bytes, fit for ids, not for keys. */
  bytes(n: number): Buffer
}

/** A file or folder in a listing. */
export interface DiskEntry {
  readonly name: string
  readonly isDirectory: boolean
}

/** What is known of a file without opening it. */
export interface DiskStat {
  readonly sizeBytes: number
  readonly modifiedMs: number
  readonly isDirectory: boolean
}

/**
 * How full the file system under a path is. Free and available are two figures: blocks that are reserved for the
 * super user, and those beyond a quota, are free, and nobody else may have them.
 */
export interface DiskUsage {
  readonly totalBytes: number
  /** Bytes that nothing is stored in. */
  readonly freeBytes: number
  /** Bytes of these that this process may still write. */
  readonly availableBytes: number
}

/** `read`: must exist. `write`: must exist, may be written. `create`: made if absent, may be written. */
export type OpenMode = 'read' | 'write' | 'create'

/**
 * The file system of a node. Paths are absolute. Calls throw the host's errors, with its `code`
 * (`ENOENT`, `ENOSPC`, `EACCES`, …). A new name survives a power cut once its directory was synced.
 */
export interface Disk {
  open(path: string, mode: OpenMode): DiskFile
  /** Entries in no particular order; empty when the directory does not exist. */
  list(path: string): DiskEntry[]
  /** Undefined when nothing has that name. */
  stat(path: string): DiskStat | undefined
  makeDirectory(path: string): void
  rename(from: string, to: string): void
  /** Removes a file; nothing happens when there is none. */
  remove(path: string): void
  /** Removes an empty directory, or none when there is none; false when something is in it. */
  removeDirectory(path: string): boolean
  /** Removes a directory and all below it; nothing happens when there is none. */
  removeTree(path: string): void
  syncDirectory(path: string): Promise<void>
  /** As `syncDirectory`, blocking; for starts and for what is rare. */
  syncDirectoryNow(path: string): void
  usage(path: string): DiskUsage
  /** Whole content; undefined when there is no such file. */
  readFile(path: string): Buffer | undefined
  /** Replaces the whole content in place and closes; not synced. */
  writeFile(path: string, data: Uint8Array): void
  /**
   * Takes a directory for this process until the process ends, however it ends, or the lock is released. Rejects with
   * DirectoryLocked when another living process has it, one in another container or stopped by a signal, too.
   */
  lock(directory: string): Promise<DirectoryLock>
}

/** A directory that this process holds. */
export interface DirectoryLock {
  release(): void
}

/** One open file. */
export interface DiskFile {
  readonly path: string
  /** Returns once the page cache has it: survives the death of the process, not of the machine. */
  writeNow(data: Uint8Array, position: number): void
  /** Returns the bytes read: fewer than asked for only at the end of the file. Meant for what is likely cached. */
  readNow(target: Uint8Array, position: number): number
  /** As `writeNow`, in a thread of the pool. */
  writeAt(data: readonly Uint8Array[], position: number): Promise<void>
  /** As `readNow`, in a thread of the pool. */
  readAt(target: Uint8Array, position: number): Promise<number>
  /** Resolves when every write that ended before the call is durable. A rejection is final: what was not synced may be lost. */
  sync(): Promise<void>
  /** As `sync`, blocking; for start and stop. */
  syncNow(): void
  /** Bytes. */
  size(): number
  /** Cuts the file, or grows it with zeros that take no blocks. */
  resize(sizeBytes: number): void
  close(): void
}

/** What a listener or a connector needs to hear of a socket. `data` is valid until the call returns. */
export interface SocketEvents {
  data(chunk: Buffer): void
  /** The socket took what it had refused before. */
  drain(): void
  /** The socket is gone, whatever the reason; called once. */
  close(error: Error | undefined): void
}

/** A stream of bytes to a peer. */
export interface Socket {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  /** Bytes handed over that the host has not taken yet. */
  readonly queuedBytes: number
  /** Changes while the host takes what is queued, also in the midst of one write. Not known for every socket. */
  readonly progress?: number
  /** Sets who hears of this socket. Nothing is delivered before. */
  handle(events: SocketEvents): void
  /** Returns whether more may be written at once; after false, wait for `drain`. `data` may be reused only when `queuedBytes` is 0. */
  write(data: Uint8Array): boolean
  /** Stops `data` until `resume`. */
  pause(): void
  resume(): void
  /** Sends what is queued, then closes. */
  end(): void
  /** Closes at once. */
  destroy(): void
}

/** An open port. */
export interface Listener {
  readonly address: string
  readonly port: number
  /** Stops taking connections; those that exist stay. */
  close(): Promise<void>
}

/** How a connection is encrypted. What is left out is as the host has it. */
export interface TlsOptions {
  /** Certificates to trust, PEM, in place of the host's. */
  readonly ca?: string | Buffer
  /** This side's own certificate, PEM. */
  readonly cert?: string | Buffer
  /** The key of that certificate, PEM. */
  readonly key?: string | Buffer
  /** Whether a certificate that nobody vouches for ends the connection; default true. */
  readonly rejectUnauthorized?: boolean
  /** Name that the other side's certificate must bear; default the host's. */
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
   * Rejects with the host's error, or after `timeoutMs` with `ETIMEDOUT`, or `ETIMEOUT` when not even the name was resolved.
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
