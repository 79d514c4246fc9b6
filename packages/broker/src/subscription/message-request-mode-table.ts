import type { Env } from '@skylarkmq/env'
import { messageRequestModesBody, type TopicRequestMode } from '@skylarkmq/protocol'
import { JsonFile } from '../json-table.ts'

/**
 * Whether a group pulls or pops a topic, where somebody has said so; saved in config/messageRequestMode.json. Apache:
 * `MessageRequestModeManager.java`.
 */
export class MessageRequestModeTable {
  readonly #file: JsonFile
  readonly #modes = new Map<string, Map<string, TopicRequestMode>>()

  /** Reads the file. Throws ERR_BROKER_CONFIG_FILE. */
  constructor(env: Env, path: string) {
    this.#file = new JsonFile(env, path)
    const saved = this.#file.load()
    if (saved === undefined) return
    const { messageRequestModeMap } = messageRequestModesBody.decode(
      Buffer.from(JSON.stringify(saved)),
    )
    for (const [topic, groups] of messageRequestModeMap) this.#modes.set(topic, new Map(groups))
  }

  /** What was said of a group and a topic; undefined when nothing was. */
  get(topic: string, group: string): TopicRequestMode | undefined {
    return this.#modes.get(topic)?.get(group)
  }

  /** Sets a mode, and saves. Throws the host's error. */
  set(mode: TopicRequestMode): void {
    const groups = this.#modes.get(mode.topic) ?? new Map<string, TopicRequestMode>()
    this.#modes.set(mode.topic, groups.set(mode.consumerGroup, mode))
    this.#file.save(JSON.parse(this.encode().toString('utf8')))
  }

  /** The whole table, as the file and GET_ALL_MESSAGE_REQUEST_MODE have it. */
  encode(): Buffer {
    return messageRequestModesBody.encode({ messageRequestModeMap: this.#modes })
  }
}
