import type { Disk } from '@skylarkmq/env'
import { javaHash } from '@skylarkmq/protocol'
import type { StoreConfig } from '../../src/index.ts'
import type { GoldenVariant } from './golden.ts'
import { ROOT, message, putOk, smallConfig, startStore, stopAndCheck } from './stores.ts'
import { testEnv } from './test-env.ts'
import type { TestEnv } from './test-env.ts'

/** A store of several files of each kind, stopped and sound; its tables say that it has two topics, one of them with a group. */
export async function soundStore(): Promise<{ env: TestEnv; config: StoreConfig }> {
  const env = testEnv()
  const config = smallConfig({
    mappedFileSizeCommitLog: 4096,
    mappedFileSizeConsumeQueue: 10 * 20,
    maxHashSlotNum: 10,
    maxIndexNum: 30,
  })
  const store = await startStore(env, config)
  for (let i = 0; i < 40; i++) {
    const properties = Buffer.from(
      `UNIQ_KEY\x01U${i}\x02KEYS\x01k${i % 7} even\x02TAGS\x01t${i % 3}\x02`,
    )
    const topic = i % 4 === 3 ? 'TopicB' : 'TopicA'
    const tagsCode = javaHash(`t${i % 3}`)
    const text = `body ${i} ${'.'.repeat((i * 37) % 150)}`
    putOk(
      env,
      store,
      message({ topic, queueId: topic === 'TopicB' ? 0 : i % 2, properties, tagsCode, text }),
    )
    env.clock.advance(700)
  }
  await stopAndCheck(env, store, config)
  env.disk.makeDirectory(`${ROOT}/config`)
  env.disk.writeFile(
    `${ROOT}/config/topics.json`,
    Buffer.from('{"topicConfigTable":{"TopicA":{},"TopicB":{}}}'),
  )
  env.disk.writeFile(
    `${ROOT}/config/consumerOffset.json`,
    Buffer.from('{"offsetTable":{"TopicB@G":{0:3}}}'),
  )
  return { env, config }
}

/** All files below a directory, with their content. */
export function filesBelow(disk: Disk, directory: string): Map<string, Buffer> {
  const found = new Map<string, Buffer>()
  for (const { name, isDirectory } of disk.list(directory)) {
    const path = `${directory}/${name}`
    if (isDirectory) for (const [each, bytes] of filesBelow(disk, path)) found.set(each, bytes)
    else found.set(path, disk.readFile(path) ?? Buffer.alloc(0))
  }
  return found
}

/** Changes one byte of a file. */
export function flipByte(disk: Disk, path: string, at: number, mask = 0xff): void {
  const bytes = disk.readFile(path) as Buffer
  bytes[at] = (bytes[at] as number) ^ mask
  disk.writeFile(path, bytes)
}

/** Does to a store what a variant says. */
export function damage(env: TestEnv, variant: GoldenVariant): void {
  for (const { file, offset, zero, xor } of variant.patches) {
    if (xor !== undefined) flipByte(env.disk, `${ROOT}/${file}`, offset, parseInt(xor, 16))
    if (zero === undefined) continue
    const bytes = env.disk.readFile(`${ROOT}/${file}`) as Buffer
    env.disk.writeFile(`${ROOT}/${file}`, bytes.fill(0, offset, offset + zero))
  }
  for (const directory of variant.remove) env.disk.removeTree(`${ROOT}/${directory}`)
}
