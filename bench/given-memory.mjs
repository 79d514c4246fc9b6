/**
 * Memory that the host of a virtual machine has given already.
 *
 * A page that the guest never used, or freed some time ago, is fetched from the host when it is written first. That
 * costs up to ten times what the write itself costs, and whoever writes first pays. Files in the page cache hold pages that
 * were fetched before the rounds; a round that will write deletes as many of them just before, so that its pages are free and
 * still the guest's. They are kept until then because a guest may return free pages to its host.
 */
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'

const MIB = 2 ** 20
const PIECE_MIB = 256
/** The most that is taken of the free memory, and of the free disk. */
const MEMORY_SHARE = 0.6
const DISK_SHARE = 0.5

/** Files that hold memory. */
export class GivenMemory {
  /** Seconds of system time for a gigabyte: while the memory was fetched, and once it was. */
  freshSeconds = 0
  givenSeconds = 0
  #directory
  #pieces = []
  #owedBytes = 0

  /** Fetches `bytes`, or as much as is reasonable, into files of `directory`. */
  constructor(directory, bytes) {
    this.#directory = directory
    mkdirSync(directory, { recursive: true })
    const count = Math.ceil(Math.min(bytes, roomFor(directory)) / (PIECE_MIB * MIB))
    const costs = Array.from({ length: Math.max(count, 2) }, () => this.#addPiece())
    this.freshSeconds = mean(costs)
    this.release(PIECE_MIB * MIB)
    this.givenSeconds = this.#addPiece()
  }

  /** How much it holds. */
  get bytes() {
    return this.#pieces.length * PIECE_MIB * MIB
  }

  /** Frees what somebody is about to write; the rest of what was asked for stays owed. */
  release(bytes) {
    this.#owedBytes += bytes
    while (this.#owedBytes > 0 && this.#pieces.length > 0) {
      rmSync(this.#pieces.pop())
      this.#owedBytes -= PIECE_MIB * MIB
    }
  }

  /** Frees everything. */
  remove() {
    rmSync(this.#directory, { recursive: true, force: true })
    this.#pieces = []
  }

  /** Writes one more file; returns the seconds of system time that a gigabyte would have taken. */
  #addPiece() {
    const path = join(this.#directory, `${this.#pieces.length}`)
    const file = openSync(path, 'w')
    const chunk = Buffer.alloc(MIB, 's')
    const before = process.cpuUsage()
    try {
      for (let i = 0; i < PIECE_MIB; i++) writeSync(file, chunk)
    } finally {
      closeSync(file)
      this.#pieces.push(path)
    }
    return ((process.cpuUsage(before).system / 1e6) * 1024) / PIECE_MIB
  }
}

/** How many bytes may be held without the machine missing them. */
function roomFor(directory) {
  const free = Number(/^MemFree:\s*(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))[1])
  const disk = statfsSync(directory)
  return Math.min(free * 1024 * MEMORY_SHARE, disk.bavail * disk.bsize * DISK_SHARE)
}

const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length
