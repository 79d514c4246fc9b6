import type { Env } from '../env.ts'
import type { EventSink } from '../events.ts'
import { nodeClock } from './clock.ts'
import { nodeDisk } from './disk.ts'
import { nodeNet } from './net.ts'
import { nodeRandom } from './random.ts'
import { nodeTurn } from './turn.ts'

/** The host as one node sees it. Each node of a process has its own, for its turn and its events. */
export function nodeEnv(events: EventSink): Env {
  return {
    clock: nodeClock,
    turn: nodeTurn(),
    random: nodeRandom,
    disk: nodeDisk,
    net: nodeNet,
    events,
  }
}
