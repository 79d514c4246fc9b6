import type { Clock, Env, Net } from '../env.ts'
import type { EventDefinition, EventValues } from '../events.ts'
import { turnBy } from '../turn.ts'
import { SimDiskView } from './sim-disk-view.ts'
import { SimDisk } from './sim-disk.ts'
import type { SimNet } from './sim-net.ts'
import type { World } from './world.ts'

/** Initial wall clock of a simulated machine, ms since 1970. */
const WALL_START_MS = 1_700_000_000_000

/** The place of a machine on a network. */
export interface NetPlace {
  readonly net: SimNet
  readonly address: string
}

/** One machine: a disk, a wall clock, and at most one process. */
export class SimNode {
  readonly world: World
  readonly place: NetPlace | undefined
  readonly disk: SimDisk
  /** Offset of the wall clock, ms; may jump. */
  clockOffsetMs = 0
  /** Number of deaths of processes, by kind. */
  readonly deaths = { killed: 0, powerCuts: 0 }
  #process: SimProcess | undefined

  /** Without `place` it has no network. */
  constructor(world: World, place?: NetPlace) {
    this.world = world
    this.place = place
    this.disk = new SimDisk(world, () => this.wallMs)
  }

  /** Its wall clock, ms since 1970. */
  get wallMs(): number {
    return Math.floor(WALL_START_MS + this.world.time + this.clockOffsetMs)
  }

  /** The running process; undefined when there is none. */
  get process(): SimProcess | undefined {
    return this.#process
  }

  /** Starts a process. `heard` is called for each of its events. */
  start(heard: (name: string, values: EventValues<string>) => void = () => undefined): SimProcess {
    this.#process = new SimProcess(this, heard)
    if (this.place !== undefined) this.place.net.host(this.place.address).isUp = true
    return this.#process
  }

  /** Kills the process; what it wrote is in the page cache. */
  kill(): void {
    if (this.#process === undefined) return
    this.deaths.killed++
    this.#end('killed')
  }

  /** Cuts the power: kills the process and loses what is only in the page cache. */
  powerCut(): void {
    if (this.#process === undefined) return
    this.deaths.powerCuts++
    this.#end('power')
    this.disk.powerCut()
  }

  /** A clean end: the process has nothing more to do. */
  exited(): void {
    this.#end('killed')
  }

  #end(how: 'killed' | 'power'): void {
    const running = this.#process
    this.#process = undefined
    if (running === undefined) return
    running.end()
    if (this.place === undefined) return
    const { net, address } = this.place
    if (how === 'power') net.host(address).isUp = false
    net.ended(running, how)
  }
}

/** A process and its environment. Once it is dead, none of its timers and files calls back. */
export class SimProcess {
  readonly env: Env
  #isAlive = true

  constructor(node: SimNode, heard: (name: string, values: EventValues<string>) => void) {
    const { world } = node
    this.env = {
      clock: this.#clock(node),
      turn: turnBy((end) => {
        world.after(0, this.#whileAlive(end))
      }),
      random: world.random,
      disk: new SimDiskView(node.disk, this),
      net: node.place?.net.viewOf(node.place.address, this) ?? noNet,
      events: {
        emit: (definition: EventDefinition, values: EventValues<string>) => {
          if (this.isAlive) heard(definition.name, values)
        },
      },
    }
  }

  /** False once it was killed, ended, or lost its power. */
  get isAlive(): boolean {
    return this.#isAlive
  }

  /** Nothing that it started has an effect any more. */
  end(): void {
    this.#isAlive = false
  }

  #whileAlive(f: () => void): () => void {
    return () => {
      if (this.isAlive) f()
    }
  }

  #clock(node: SimNode): Clock {
    const { world } = node
    return {
      now: () => node.wallMs,
      monotonic: () => world.time,
      after: (ms, f) => world.after(ms, this.#whileAlive(f)),
      every: (ms, f) => world.every(ms, this.#whileAlive(f)),
      keepAlive: () => ({ cancel: () => undefined }),
    }
  }
}

const noNet: Net = {
  listen: () => Promise.reject(new Error('this machine has no network')),
  connect: () => Promise.reject(new Error('this machine has no network')),
  addresses: () => ['127.0.0.1'],
}
