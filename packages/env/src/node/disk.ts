import fs from 'node:fs'
import path from 'node:path'
import type { Disk, DiskFile, DiskStat, OpenMode } from '../env.ts'
import { lockDirectory, type TryFileLock } from './directory-lock.ts'

/** Finds the host's locks; undefined where there are none. Called when a directory is locked. */
export type LoadFileLock = () => Promise<TryFileLock | undefined>

/** The host's file system. */
export const nodeDiskWith = (fileLock: LoadFileLock | undefined): Disk => ({
  open: (name, mode) => new NodeFile(name, mode),
  list: (directory) =>
    unlessMissing(() => fs.readdirSync(directory, { withFileTypes: true }), []).map((entry) => ({
      name: entry.name,
      isDirectory: entry.isDirectory(),
    })),
  stat: (name): DiskStat | undefined =>
    unlessMissing(() => {
      const stat = fs.statSync(name)
      return { sizeBytes: stat.size, modifiedMs: stat.mtimeMs, isDirectory: stat.isDirectory() }
    }, undefined),
  makeDirectory: (directory) => {
    fs.mkdirSync(directory, { recursive: true })
  },
  rename: (from, to) => {
    fs.renameSync(from, to)
  },
  remove: (name) => {
    fs.rmSync(name, { force: true })
  },
  removeDirectory: (directory) => {
    try {
      fs.rmdirSync(directory)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code === 'ENOTEMPTY' || code === 'EEXIST') return false
      if (code !== 'ENOENT') throw error
    }
    return true
  },
  removeTree: (directory) => {
    fs.rmSync(directory, { recursive: true, force: true })
  },
  syncDirectory: (directory) => syncDirectory(directory),
  syncDirectoryNow: (directory) => {
    if (process.platform === 'win32') return
    const fd = fs.openSync(directory, 'r')
    try {
      fs.fsyncSync(fd)
    } finally {
      fs.closeSync(fd)
    }
  },
  usage: (name) => {
    const { blocks, bfree, bavail, bsize } = fs.statfsSync(nearestExisting(name))
    return {
      totalBytes: blocks * bsize,
      freeBytes: bfree * bsize,
      availableBytes: bavail * bsize,
    }
  },
  readFile: (name) => unlessMissing(() => fs.readFileSync(name), undefined),
  writeFile: (name, data) => {
    fs.writeFileSync(name, data)
  },
  lock: async (directory) => lockDirectory(directory, await fileLock?.()),
})

const FLAGS: Readonly<Record<OpenMode, number>> = {
  read: fs.constants.O_RDONLY,
  write: fs.constants.O_RDWR,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT,
}

class NodeFile implements DiskFile {
  readonly path: string
  #fd: number

  constructor(name: string, mode: OpenMode) {
    this.path = name
    this.#fd = fs.openSync(name, FLAGS[mode], 0o644)
  }

  writeNow(data: Uint8Array, position: number): void {
    let done = 0
    try {
      while (done < data.length) {
        done += fs.writeSync(this.#fd, data, done, data.length - done, position + done)
      }
    } catch (error) {
      throw withPath(error, this.path)
    }
  }

  readNow(target: Uint8Array, position: number): number {
    let done = 0
    try {
      while (done < target.length) {
        const read = fs.readSync(this.#fd, target, done, target.length - done, position + done)
        if (read === 0) break
        done += read
      }
    } catch (error) {
      throw withPath(error, this.path)
    }
    return done
  }

  async writeAt(data: readonly Uint8Array[], position: number): Promise<void> {
    let at = position
    for (const piece of data) {
      await writePiece(this.#fd, piece, at)
      at += piece.length
    }
  }

  async readAt(target: Uint8Array, position: number): Promise<number> {
    let done = 0
    while (done < target.length) {
      const read = await readPiece(this.#fd, target, done, position + done)
      if (read === 0) break
      done += read
    }
    return done
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.#fd, (error) => {
        if (error === null) resolve()
        else reject(withPath(error, this.path))
      })
    })
  }

  syncNow(): void {
    this.#named(() => {
      fs.fdatasyncSync(this.#fd)
    })
  }

  size(): number {
    return this.#named(() => fs.fstatSync(this.#fd).size)
  }

  resize(sizeBytes: number): void {
    this.#named(() => {
      fs.ftruncateSync(this.#fd, sizeBytes)
    })
  }

  /** Node's error for a file descriptor does not name the file. */
  #named<T>(call: () => T): T {
    try {
      return call()
    } catch (error) {
      throw withPath(error, this.path)
    }
  }

  close(): void {
    if (this.#fd < 0) return
    fs.closeSync(this.#fd)
    this.#fd = -1
  }
}

function withPath(error: unknown, file: string): Error {
  const named = error instanceof Error ? error : new Error(String(error))
  const known = (named as NodeJS.ErrnoException).path
  if (known === undefined) {
    Object.assign(named, { path: file })
    named.message = `${named.message} '${file}'`
  }
  return named
}

async function writePiece(fd: number, data: Uint8Array, position: number): Promise<void> {
  let done = 0
  while (done < data.length) {
    done += await new Promise<number>((resolve, reject) => {
      fs.write(fd, data, done, data.length - done, position + done, (error, written) => {
        if (error === null) resolve(written)
        else reject(error)
      })
    })
  }
}

function readPiece(fd: number, target: Uint8Array, at: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(fd, target, at, target.length - at, position, (error, read) => {
      if (error === null) resolve(read)
      else reject(error)
    })
  })
}

/** Windows cannot open a directory, and makes names durable with the file itself. */
async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await fs.promises.open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function nearestExisting(name: string): string {
  let at = path.resolve(name)
  while (!fs.existsSync(at)) {
    const parent = path.dirname(at)
    if (parent === at) return at
    at = parent
  }
  return at
}

function unlessMissing<T, M>(f: () => T, missing: M): T | M {
  try {
    return f()
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') return missing
    throw error
  }
}
