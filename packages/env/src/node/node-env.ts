import type { Env } from '../env.ts'
import type { EventSink } from '../events.ts'
import { nodeClock } from './clock.ts'
import { nodeDiskWith, type LoadFileLock } from './disk.ts'
import { nodeNet } from './net.ts'
import { nodeRandom } from './random.ts'
import { nodeTurn } from './turn.ts'

/**
 * The host as seen by one node. Each node of a process has its own environment, for its turn and its events. Node has
 * no file locks; pass `fileLock` to provide them.
 */
export function nodeEnv(events: EventSink, fileLock?: LoadFileLock): Env {
  return {
    clock: nodeClock,
    turn: nodeTurn(),
    random: nodeRandom,
    disk: nodeDiskWith(fileLock),
    net: nodeNet,
    events,
  }
}
