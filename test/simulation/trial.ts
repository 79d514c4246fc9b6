import { AssertionError } from 'node:assert/strict'
import { hostErrorCode } from '@skylarkmq/env'
import type { EventValues } from '@skylarkmq/env'
import { SimNode, World, healthyDisk } from '@skylarkmq/env/sim'
import type { DiskFaults, SimProcess } from '@skylarkmq/env/sim'
import { FILE_KINDS, isMadeFromLog } from './file-kinds.ts'

/** As often in all files as in those of some kind. */
const FAULTY_FILES = Object.entries(FILE_KINDS).flatMap(([kind, where]) =>
  Array.from({ length: kind === 'any' ? 6 : 1 }, () => [kind, where] as const),
)

/** Where the store of a trial lies on its machine. */
export const ROOT = '/data/store'

/** How a process ends that was not asked to: its page cache survives a kill. */
export type Death = 'kill' | 'power'

/**
 * One machine in virtual time, and a program on it that dies, is stopped and is started again, while its disk
 * fails; all at times that a seed decides. What the program is, what its users do and what has to be so is said by
 * those who extend it.
 */
export abstract class Trial<Running, Figures> {
  readonly world: World
  readonly node: SimNode
  /** What happened, a line each, the virtual ms first. */
  readonly log: string[] = []
  /** What runs in the process, once it is open; undefined while it is down. */
  protected running: Running | undefined
  protected process: SimProcess | undefined
  /** No more faults and no more deaths. */
  protected isQuiet = false
  #drops = 0
  readonly #faultyMs: number
  #failure: unknown

  /** Faults and deaths go on for `faultyMs`, in virtual time. */
  constructor(seed: number, faultyMs: number) {
    this.world = new World(seed)
    this.node = new SimNode(this.world)
    this.#faultyMs = faultyMs
  }

  /** What the first line of the log says. */
  protected abstract describe(): string
  /** Opens what runs in a process. */
  protected abstract open(process: SimProcess): Promise<Running>
  /** Looks at what was opened, and starts it. */
  protected abstract opened(process: SimProcess, running: Running): void
  /** Ends it in an orderly way; may reject with the host's error. */
  protected abstract shutdown(running: Running): Promise<void>
  /** How the process ends next. */
  protected abstract drawDeath(): Death
  /** Plans what users, faults and deaths do. */
  protected abstract plan(): void
  /** Runs from the last fault to the end, and looks whether all is as it should be. */
  protected abstract finish(): Promise<void>
  protected abstract figures(): Figures

  /** Whether the program may refuse to open with this error of the disk. */
  protected mayNotOpen(error: unknown): boolean {
    return hostErrorCode(error) !== undefined
  }

  /** Hears of each event of the program. */
  protected heard?(name: string, values: EventValues<string>): void

  /** What runs is about to be gone; `how` is undefined for an orderly stop. */
  protected leaving?(running: Running | undefined, how: Death | undefined): void

  /** It was stopped in an orderly way. */
  protected stopped?(running: Running): void

  /** Runs it all. Rejects with the first thing that is not as it should be. */
  async run(): Promise<Figures> {
    this.note(this.describe())
    const { disk } = this.node.start().env
    disk.makeDirectory('/data')
    disk.syncDirectoryNow('/')
    this.#start()
    this.plan()
    await this.until(this.#faultyMs)
    this.isQuiet = true
    this.heal()
    await this.finish()
    return this.figures()
  }

  /** Lets time pass up to `ms`. Rejects with what went wrong meanwhile. */
  protected async until(ms: number): Promise<void> {
    await this.world.run(ms)
    if (this.#failure !== undefined) throw this.#failure as Error
  }

  /** As `until`, so long after the last fault. */
  protected async untilHealedFor(ms: number): Promise<void> {
    await this.until(this.#faultyMs + ms)
  }

  protected note(what: string): void {
    this.log.push(`${this.world.time.toFixed(1)} ${what}`)
  }

  /** Runs what may fail only while the process lives: what a dead one does is of no interest. */
  protected guard(f: () => void): void {
    try {
      f()
    } catch (error) {
      this.fail(error)
    }
  }

  protected fail(error: unknown): void {
    this.#failure ??= error
    this.world.stop()
  }

  /** Calls `f` again and again. */
  protected again(everyMs: () => number, f: () => void): void {
    this.world.after(everyMs(), () => {
      this.guard(f)
      this.again(everyMs, f)
    })
  }

  // ---- the life of a process

  #start(): void {
    const process = this.node.start((name, values) => {
      this.note(`${name} ${JSON.stringify(values)}`)
      this.heard?.(name, values)
    })
    this.process = process
    this.running = undefined
    if (!this.isQuiet) this.#planEarlyDeath(process)
    this.open(process).then(
      (running) => {
        if (!process.isAlive) return
        try {
          this.opened(process, running)
          this.running = running
        } catch (error) {
          this.#notOpened(error)
        }
      },
      (error: unknown) => {
        if (process.isAlive) this.#notOpened(error)
      },
    )
  }

  /** Some die in the midst of their start, and some soon after it: the second power cut of two in a row, for one. */
  #planEarlyDeath(process: SimProcess): void {
    const { random } = this.world
    const what = random.next()
    if (what < 0.3) this.strikeWithin(40)
    else if (what < 0.5) {
      this.world.after(random.pick([20, 700, 2500]), () => {
        if (process.isAlive && !this.isQuiet) this.die(this.drawDeath())
      })
    }
  }

  #notOpened(error: unknown): void {
    this.note(`open failed: ${String(error)}`)
    if (error instanceof AssertionError || !this.mayNotOpen(error)) this.fail(error)
    this.#restartLater()
  }

  /** Lets the process die in the midst of one of its next operations on the disk. */
  protected strikeWithin(operations: number): void {
    const { random } = this.world
    this.node.disk.strikeAt(random.between(1, operations), () => {
      this.die(this.drawDeath())
    })
  }

  protected die(how: Death): void {
    if (this.process?.isAlive !== true) return
    this.note(how === 'kill' ? 'killed' : 'power cut')
    this.leaving?.(this.running, how)
    this.running = undefined
    if (how === 'kill') this.node.kill()
    else this.node.powerCut()
    this.#restartLater()
  }

  #restartLater(): void {
    this.node.exited()
    this.world.after(this.world.random.between(1, 2000), () => {
      this.#start()
    })
  }

  protected async stopOrderly(): Promise<void> {
    const { running, process } = this
    if (running === undefined || process === undefined) return
    this.leaving?.(running, undefined)
    this.running = undefined
    this.note('stopping')
    try {
      await this.shutdown(running)
    } catch (error) {
      if (process.isAlive && hostErrorCode(error) === undefined) this.fail(error)
      this.note(`stop failed: ${String(error)}`)
    }
    if (!process.isAlive) return
    this.stopped?.(running)
    this.note('stopped')
    this.#restartLater()
  }

  // ---- what happens to its machine

  /**
   * One of these faults, for so long at most, in files of one kind or in all. Where it drops no pages of the log, it may still drop
   * those of files that are made from the log.
   */
  protected spoilDisk(kinds: readonly Partial<DiskFaults>[], msMax: number): void {
    const { random } = this.world
    const chosen = random.pick(kinds)
    const [kind, where] = random.pick(FAULTY_FILES)
    const dropsCache = chosen.dropsCache === true || (isMadeFromLog(kind) && random.chance(0.5))
    const faults = { ...chosen, dropsCache }
    this.node.disk.faults = { ...healthyDisk, ...faults, where }
    this.note(`disk: ${JSON.stringify({ ...faults, in: kind })}`)
    this.world.after(random.between(100, msMax), () => {
      this.heal()
    })
  }

  protected heal(): void {
    this.node.disk.faults = { ...healthyDisk }
    if (this.isQuiet) this.node.disk.strikeAt(Infinity, () => undefined)
    this.note('disk is well')
  }

  protected jumpClock(byMs: readonly number[]): void {
    this.node.clockOffsetMs += this.world.random.pick(byMs)
    this.note(`clock is off by ${this.node.clockOffsetMs}`)
  }

  /** Lets a checker see what is on the disk. */
  protected withoutFaults<T>(f: () => T): T {
    const { disk } = this.node
    const { faults } = disk
    disk.faults = { ...healthyDisk }
    try {
      return f()
    } finally {
      disk.faults = faults
    }
  }

  /** Whether a failed sync has dropped pages of the cache since this was asked last. Not every one is told: who tries again says it once. */
  protected hasDropped(): boolean {
    const { drops } = this.node.disk.struck
    const hasDropped = drops > this.#drops
    this.#drops = drops
    return hasDropped
  }

  /** As `withoutFaults`, for what takes longer. */
  protected async withoutFaultsUntil<T>(f: () => Promise<T>): Promise<T> {
    const { disk } = this.node
    const { faults } = disk
    const healthy = { ...healthyDisk }
    disk.faults = healthy
    try {
      return await f()
    } finally {
      if (disk.faults === healthy) disk.faults = faults
    }
  }
}
