import { healthyDisk } from '@skylarkmq/env/sim'
import type { DiskFaults } from '@skylarkmq/env/sim'
import { FILE_KINDS, isMadeFromLog } from '../file-kinds.ts'
import type { Death, Machine, Program, Surroundings } from './machine.ts'

/** What went wrong in a run, by kind. */
export interface FaultCounts {
  kills: number
  powerCuts: number
  stops: number
  strikes: number
  diskFaults: number
  clockJumps: number
  cuts: number
  oneWayCuts: number
  slowLinks: number
  resets: number
  forgotten: number
  slowReaders: number
  refusals: number
  unanswered: number
  pieces: number
}

/** What may be wrong with the way between two machines. */
const LINK_FAULTS = [
  'cuts',
  'oneWayCuts',
  'slowLinks',
  'resets',
  'forgotten',
  'slowReaders',
  'refusals',
  'unanswered',
  'pieces',
] as const

/** A machine, and what may happen to it. */
export interface Victim {
  readonly machine: Machine<Program>
  /** Whether it may lose its power, its disk may fail, and so on. */
  readonly mayLosePower: boolean
  readonly hasDisk: boolean
  /** Whether its clock may be set so far on that retention takes files. */
  readonly mayLeap: boolean
}

/** Breaks machines, disks, clocks and links, at times that a seed decides. */
export class Faults {
  readonly counts: FaultCounts = {
    kills: 0,
    powerCuts: 0,
    stops: 0,
    strikes: 0,
    diskFaults: 0,
    clockJumps: 0,
    cuts: 0,
    oneWayCuts: 0,
    slowLinks: 0,
    resets: 0,
    forgotten: 0,
    slowReaders: 0,
    refusals: 0,
    unanswered: 0,
    pieces: 0,
  }
  readonly #around: Surroundings
  readonly #victims: readonly Victim[]

  constructor(around: Surroundings, victims: readonly Victim[]) {
    this.#around = around
    this.#victims = victims
  }

  /** Begins; until all is quiet. */
  start(): void {
    const { random } = this.#around.world
    this.#again(
      () => random.between(4000, 20_000),
      () => {
        this.#end(random.pick(this.#victims))
      },
    )
    this.#again(
      () => random.between(2000, 15_000),
      () => {
        this.#breakLink()
      },
    )
    this.#again(
      () => random.between(5000, 25_000),
      () => {
        const disks = this.#victims.filter(({ hasDisk }) => hasDisk)
        this.#spoil(random.pick(disks))
      },
    )
    this.#again(
      () => random.between(15_000, 60_000),
      () => {
        this.#jump(random.pick(this.#victims))
      },
    )
  }

  #again(everyMs: () => number, f: () => void): void {
    this.#around.world.after(everyMs(), () => {
      if (this.#around.isQuiet) return
      f()
      this.#again(everyMs, f)
    })
  }

  #end({ machine, mayLosePower, hasDisk }: Victim): void {
    const { random } = this.#around.world
    const how: Death = mayLosePower && random.chance(0.5) ? 'power' : 'kill'
    if (hasDisk && random.chance(0.35)) {
      this.counts.strikes++
      machine.strikeWithin(random.pick([3, 30, 100]), how)
    } else if (random.chance(0.3)) {
      this.counts.stops++
      void machine.stop()
    } else {
      if (how === 'kill') this.counts.kills++
      else this.counts.powerCuts++
      machine.die(how)
    }
  }

  #spoil({ machine, mayLosePower }: Victim): void {
    const { random } = this.#around.world
    const { disk } = machine.node
    const [kind, where] = random.pick(Object.entries(FILE_KINDS))
    // Where nobody waits for the disk, what the cache of the log drops may be gone, and nobody is to be blamed.
    const mayDrop = mayLosePower || isMadeFromLog(kind)
    const dropsCache = mayDrop && random.chance(0.5)
    const faults: Partial<DiskFaults> = random.pick([
      { writeErrors: 0.2, where },
      { writeErrors: 1, where },
      { readErrors: 0.1, where },
      { syncErrors: 0.3, dropsCache, where },
      { syncErrors: 1, dropsCache, where },
      { capacityBytes: disk.usedPages * 4096 + random.below(20_000) },
    ])
    this.counts.diskFaults++
    disk.faults = { ...healthyDisk, ...faults }
    machine.spoiledMs = this.#around.world.time
    const what = JSON.stringify({ ...faults, where: kind })
    this.#around.note(`${machine.name}: disk ${what}`)
    // What cannot be brought to disk matters when the power goes before it can.
    if (mayLosePower && random.chance(0.3)) {
      this.#around.world.after(random.between(100, 8000), () => {
        if (this.#around.isQuiet) return
        this.counts.powerCuts++
        machine.die('power')
      })
    }
    this.#around.world.after(random.between(100, 6000), () => {
      disk.faults = { ...healthyDisk }
      machine.spoiledMs = this.#around.world.time
      this.#around.note(`${machine.name}: disk is well`)
    })
  }

  #jump({ machine, mayLeap }: Victim): void {
    const { random } = this.#around.world
    this.counts.clockJumps++
    const isLeap = mayLeap && random.chance(0.5)
    const offMs = isLeap ? 2 * 3_600_000 : random.pick([-60_000, -5000, 0, 5000, 60_000])
    machine.jump(offMs - machine.node.clockOffsetMs)
  }

  #breakLink(): void {
    const { world, net } = this.#around
    const { random } = world
    const one = random.pick(this.#victims).machine
    const others = this.#victims.filter(({ machine }) => machine !== one)
    const other = random.pick(others).machine
    const [from, to] = [one.address, other.address]
    const what = random.pick(LINK_FAULTS)
    this.#around.note(`net: ${what} ${one.name} ${other.name}`)
    this.#breaks[what](from, to)
    world.after(random.pick([300, 3000, 20_000, 45_000]), () => {
      net.heal(from, to)
      const host = net.host(to)
      host.refuses = false
      host.isDeaf = false
      host.readPauseMs = 0
      this.#around.note(`net: ${one.name} ${other.name} well`)
    })
  }

  readonly #breaks: Readonly<
    Record<(typeof LINK_FAULTS)[number], (from: string, to: string) => void>
  > = {
    cuts: (from: string, to: string): void => {
      this.counts.cuts++
      this.#around.net.cut(from, to)
    },
    oneWayCuts: (from: string, to: string): void => {
      this.counts.oneWayCuts++
      this.#around.net.cut(from, to, false)
    },
    slowLinks: (from: string, to: string): void => {
      this.counts.slowLinks++
      const slow = { delayMs: 150, jitterMs: 1500 }
      Object.assign(this.#around.net.link(from, to), slow)
      Object.assign(this.#around.net.link(to, from), slow)
    },
    resets: (from: string, to: string): void => {
      this.counts.resets++
      const { net } = this.#around
      net.link(from, to).resets = 0.2
      net.link(to, from).resets = 0.2
    },
    forgotten: (from: string, to: string): void => {
      this.counts.forgotten += this.#around.net.forget(from, to)
    },
    slowReaders: (_from: string, to: string): void => {
      this.counts.slowReaders++
      this.#around.net.host(to).readPauseMs = 50
    },
    refusals: (_from: string, to: string): void => {
      this.counts.refusals++
      this.#around.net.host(to).refuses = true
    },
    unanswered: (_from: string, to: string): void => {
      this.counts.unanswered++
      this.#around.net.host(to).isDeaf = true
    },
    pieces: (from: string, to: string): void => {
      this.counts.pieces++
      const { net } = this.#around
      net.link(from, to).pieceBytes = 1
      net.link(to, from).pieceBytes = 7
    },
  }
}
