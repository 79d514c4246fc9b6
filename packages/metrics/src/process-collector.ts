import type { Histogram } from '@skylarkmq/env'
import { labels, single, type Collector, type Family } from './family.ts'

/** What a process knows of itself. */
export interface ProcessFigures {
  readonly cpuUserSeconds: number
  readonly cpuSystemSeconds: number
  readonly residentBytes: number
  readonly heapUsedBytes: number
  readonly heapTotalBytes: number
  readonly externalBytes: number
  /** Seconds since 1970. */
  readonly startSeconds: number
  /** Files and sockets that are open; undefined where the host does not tell. */
  readonly openFiles: number | undefined
  readonly version: string
  readonly nodeVersion: string
  /** By how much timers of the event loop were late, ms. */
  readonly loopDelays: Histogram
}

/** The process: names as of all that Prometheus has in its client libraries. */
export function processCollector(figures: () => ProcessFigures): Collector {
  return function* () {
    const now = figures()
    yield* memory(now)
    yield single(
      'process_cpu_user_seconds_total',
      'counter',
      'CPU time in user mode.',
      '',
      now.cpuUserSeconds,
    )
    yield single(
      'process_cpu_system_seconds_total',
      'counter',
      'CPU time in the kernel.',
      '',
      now.cpuSystemSeconds,
    )
    yield single(
      'process_cpu_seconds_total',
      'counter',
      'CPU time.',
      '',
      now.cpuUserSeconds + now.cpuSystemSeconds,
    )
    yield single(
      'process_start_time_seconds',
      'gauge',
      'When the process began, since 1970.',
      '',
      now.startSeconds,
    )
    if (now.openFiles !== undefined)
      yield single('process_open_fds', 'gauge', 'Open files and sockets.', '', now.openFiles)
    yield {
      name: 'skylark_event_loop_delay_seconds',
      type: 'histogram',
      help: 'By how much a timer that goes off every 20 ms was late: how long the event loop was busy.',
      scale: 0.001,
      samples: [['', now.loopDelays]],
    }
    const built = labels({ version: now.version, node_version: now.nodeVersion })
    yield single('skylark_build_info', 'gauge', 'Versions of Skylark and Node.', built, 1)
  }
}

function* memory(now: ProcessFigures): Iterable<Family> {
  yield single(
    'process_resident_memory_bytes',
    'gauge',
    'Memory that the process has in use.',
    '',
    now.residentBytes,
  )
  yield single('nodejs_heap_size_used_bytes', 'gauge', 'Heap in use.', '', now.heapUsedBytes)
  yield single('nodejs_heap_size_total_bytes', 'gauge', 'Size of the heap.', '', now.heapTotalBytes)
  yield single(
    'nodejs_external_memory_bytes',
    'gauge',
    'Memory outside the heap that belongs to objects in it: buffers, most of all.',
    '',
    now.externalBytes,
  )
}
