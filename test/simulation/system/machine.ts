import { AssertionError } from 'node:assert/strict'
import { hostErrorCode } from '@skylarkmq/env'
import type { EventValues } from '@skylarkmq/env'
import { healthyDisk, SimNode } from '@skylarkmq/env/sim'
import type { SimNet, SimProcess, World } from '@skylarkmq/env/sim'

/** What runs in a process. */
export interface Program {
  /** Resolves once it serves. Rejects with the host's error when its disk or its network does not let it. */
  start(): Promise<void>
  stop(): Promise<void>
}

/** Events that tell of an error of the program: nothing that others do brings them about but a disk that fails. */
const NEVER = [
  'remoting.connection.failed',
  'remoting.request.failed',
  'remoting.timer.failed',
  'remoting.frame.refused',
  'client.background.failed',
]

/** How a process ends that was not asked to. */
export type Death = 'kill' | 'power'

/** What all machines of a simulation have in common. */
export interface Surroundings {
  readonly world: World
  readonly net: SimNet
  /** Nothing breaks any more. */
  isQuiet: boolean
  note(what: string): void
  fail(error: unknown): void
}

/** What a machine is for. */
export interface Purpose<P extends Program> {
  readonly name: string
  readonly address: string
  /** Makes the program; it is started afterwards. */
  make(process: SimProcess): P
  /** It serves. */
  up?(program: P): void
  /** It is about to be gone; `how` is undefined for an orderly stop. */
  leaving?(program: P, how: Death | undefined): void
  heard?(name: string, values: EventValues<string>): void
}

/** A machine on the network whose program dies, is stopped, and is started again. */
export class Machine<P extends Program> {
  readonly node: SimNode
  readonly name: string
  readonly address: string
  /** What was made last; its process may be dead. */
  program: P | undefined
  process: SimProcess | undefined
  /** Whether the program serves. */
  isUp = false
  /** Stays down until it is started. */
  isHeldDown = false
  /** Virtual time of its last power cut, after which nobody is told that its connections are gone. */
  lastPowerCutMs = -Infinity
  /** Virtual time of its last start, and of the last thing that went wrong with its disk. */
  startedMs = 0
  spoiledMs = -Infinity
  /** How far its clock was set on, in all. */
  forwardMs = 0
  stops = 0
  readonly #around: Surroundings
  readonly #purpose: Purpose<P>

  constructor(around: Surroundings, purpose: Purpose<P>) {
    this.#around = around
    this.#purpose = purpose
    this.name = purpose.name
    this.address = purpose.address
    this.node = new SimNode(around.world, { net: around.net, address: purpose.address })
    const { disk } = this.node.start().env
    disk.makeDirectory('/data')
    disk.syncDirectoryNow('/')
    this.node.exited()
  }

  /** Starts the program, when none runs. */
  start(): void {
    if (this.process?.isAlive === true) return
    const { world } = this.#around
    const process = this.node.start((name, values) => {
      world.trace?.add(`${this.name} ${name}`, world.time)
      this.#around.note(`${this.name}: ${name} ${JSON.stringify(values)}`)
      this.#lookAt(name, values)
      this.#purpose.heard?.(name, values)
    })
    this.process = process
    this.isHeldDown = false
    this.startedMs = world.time
    this.#around.note(`${this.name} starts`)
    try {
      const program = this.#purpose.make(process)
      this.program = program
      this.#starting(process, program)
    } catch (error) {
      this.#notStarted(process, error)
    }
  }

  #lookAt(name: string, values: EventValues<string>): void {
    const text = JSON.stringify(values)
    if (!NEVER.includes(name) || /\b(EIO|ENOSPC)\b/.test(text)) return
    this.#around.fail(new Error(`${this.name}: ${name} ${text}`))
  }

  #starting(process: SimProcess, program: P): void {
    program.start().then(
      () => {
        if (!process.isAlive) return
        this.isUp = true
        this.#around.note(`${this.name} is up`)
        try {
          this.#purpose.up?.(program)
        } catch (error) {
          this.#around.fail(error)
        }
      },
      (error: unknown) => {
        if (process.isAlive) this.#notStarted(process, error)
      },
    )
  }

  #notStarted(process: SimProcess, error: unknown): void {
    this.#around.note(`${this.name} did not start: ${String(error)}`)
    const isDisk = hostErrorCode(error) !== undefined || isOfDisk(error)
    if (error instanceof AssertionError || !isDisk || this.#around.isQuiet) {
      this.#around.fail(error)
    }
    if (process.isAlive) this.node.kill()
    this.#restartLater()
  }

  /** Ends the process at once. */
  die(how: Death, isHeldDown = false): void {
    if (this.process?.isAlive !== true) return
    this.#around.note(`${this.name}: ${how}`)
    this.isUp = false
    if (how === 'power') this.lastPowerCutMs = this.#around.world.time
    if (this.program !== undefined) this.#purpose.leaving?.(this.program, how)
    if (how === 'kill') this.node.kill()
    else this.node.powerCut()
    this.isHeldDown = isHeldDown
    if (!isHeldDown) this.#restartLater()
  }

  /** Lets the process die in the midst of one of its next operations on the disk. */
  strikeWithin(operations: number, how: Death): void {
    this.node.disk.strikeAt(this.#around.world.random.between(1, operations), () => {
      this.die(how)
    })
  }

  /** Ends the process in an orderly way. */
  async stop(isHeldDown = false): Promise<void> {
    const { program, process } = this
    if (!this.isUp || program === undefined || process === undefined) return
    this.isUp = false
    this.stops++
    this.#around.note(`${this.name} stops`)
    try {
      await program.stop()
    } catch (error) {
      if (process.isAlive && hostErrorCode(error) === undefined) this.#around.fail(error)
      this.#around.note(`${this.name} did not stop well: ${String(error)}`)
    }
    if (!process.isAlive) return
    this.#purpose.leaving?.(program, undefined)
    this.#around.note(`${this.name} has stopped`)
    this.node.exited()
    this.isHeldDown = isHeldDown
    if (!isHeldDown) this.#restartLater()
  }

  #restartLater(): void {
    const { world } = this.#around
    world.after(world.random.between(1, 6000), () => {
      if (!this.isHeldDown) this.start()
    })
  }

  /** Sets the clock on the wall on, or back. */
  jump(byMs: number): void {
    this.node.clockOffsetMs += byMs
    if (byMs > 0) this.forwardMs += byMs
    this.#around.note(`${this.name}: clock is off by ${this.node.clockOffsetMs}`)
  }

  /** Nothing is wrong with its disk any more. */
  heal(): void {
    this.node.disk.faults = { ...healthyDisk }
    this.node.disk.strikeAt(Infinity, () => undefined)
  }
}

/** Errors of the store and of tables that say that the disk does not let them open. */
function isOfDisk(error: unknown): boolean {
  const cause = (error as { cause?: unknown } | undefined)?.cause
  return cause !== undefined && hostErrorCode(cause) !== undefined
}
