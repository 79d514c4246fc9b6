import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { AdminClient } from '@skylarkmq/client'
import { nodeEnv, silentEvents } from '@skylarkmq/env'
import { startServer, type RunningServer, type ServerOptions } from '@skylarkmq/server'
import { checkStore } from '@skylarkmq/store-tools'

const ends = new WeakMap<TestContext, (() => unknown)[]>()

/** Calls `end` when the test ends; what was registered last is called first. */
export function atEnd(t: TestContext, end: () => unknown): void {
  const known = ends.get(t)
  if (known !== undefined) {
    known.push(end)
    return
  }
  const list = [end]
  ends.set(t, list)
  t.after(async () => {
    for (const each of list.reverse()) await each()
  })
}

/** A folder that the test's end removes. */
export function folderFor(t: TestContext): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'skylark-'))
  atEnd(t, () => {
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

/** A name server and a broker on free ports, stopped at the test's end; in memory unless `data` is given. */
export async function serverFor(
  t: TestContext,
  options: Partial<ServerOptions> = {},
): Promise<RunningServer & { readonly namesrvAddr: string }> {
  const server = await startServer({
    namesrvPort: 0,
    brokerPort: 0,
    ephemeral: options.data === undefined,
    events: silentEvents,
    warn: () => undefined,
    ...options,
  })
  atEnd(t, async () => {
    await server.stop()
    if (options.data !== undefined) assertSound(options.data)
  })
  return { ...server, namesrvAddr: server.namesrvAddr ?? '' }
}

/** Asserts that all parts of a store that nobody has open agree. */
export function assertSound(folder: string): void {
  assert.deepEqual(checkStore(nodeEnv(silentEvents).disk, folder), [])
}

/** Collects what comes, and lets a test wait until so many have come. */
export class Collector<T> {
  readonly items: T[] = []
  #waiting: { count: number; resolve: () => void }[] = []

  /** Takes one. */
  add(item: T): void {
    this.items.push(item)
    const ready = this.#waiting.filter(({ count }) => this.items.length >= count)
    this.#waiting = this.#waiting.filter(({ count }) => this.items.length < count)
    for (const { resolve } of ready) resolve()
  }

  /** Resolves with the items once there are `count`. */
  async atLeast(count: number): Promise<T[]> {
    if (this.items.length < count) {
      await new Promise<void>((resolve) => this.#waiting.push({ count, resolve }))
    }
    return this.items
  }
}

/** Creates a topic, and waits until clients can see it: brokers tell the name server a moment later. */
export async function createTopic(
  namesrvAddr: string,
  topic: string,
  queueNums = 4,
): Promise<void> {
  const admin = new AdminClient({ namesrvAddr })
  await admin.topics.create(topic, { queues: queueNums })
  await found(() => admin.topics.route(topic))
  await admin.close()
}

/** Waits until something holds, looking at each turn of the event loop; the runner's time limit ends it. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}

/** Asks until there is an answer. */
export async function found<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const value = await ask()
    if (value !== undefined) return value
  }
}
