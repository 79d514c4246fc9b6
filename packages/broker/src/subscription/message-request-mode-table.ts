import type { Env } from '@skylarkmq/env'
import {
  messageRequestModesBody,
  type TableLimit,
  type TopicRequestMode,
} from '@skylarkmq/protocol'
import { JsonFile, SavedTable } from '../json-table.ts'
import { noLimits } from '../table-limits.ts'

/** What a `MessageRequestModeTable` is told of its broker. */
export interface MessageRequestModeOptions {
  /** How many modes there may be. */
  readonly limit?: TableLimit
  /** Least time between two writes of the file, ms. */
  readonly saveSpaceMs?: () => number
  /** Whether a change counts as saved only once it is on disk. */
  readonly isSynced?: () => boolean
}

/**
 * Whether a group pulls or pops a topic, where somebody has said so; saved in config/messageRequestMode.json. Apache:
 * `MessageRequestModeManager.java`.
 */
export class MessageRequestModeTable {
  readonly #saved: SavedTable
  readonly #limit: TableLimit
  readonly #modes = new Map<string, Map<string, TopicRequestMode>>()
  #count = 0

  /** Reads the file. Throws ERR_BROKER_CONFIG_FILE. */
  constructor(env: Env, path: string, options: MessageRequestModeOptions = {}) {
    this.#limit = options.limit ?? noLimits.requestModes
    const file = new JsonFile(env, path)
    this.#saved = new SavedTable(
      env,
      file,
      () => this.#content(),
      options.saveSpaceMs,
      options.isSynced,
    )
    for (const [topic, groups] of file.load(messageRequestModesBody)?.messageRequestModeMap ?? []) {
      this.#modes.set(topic, new Map(groups))
      this.#count += groups.size
    }
  }

  /** What was said of a group and a topic; undefined when nothing was. */
  get(topic: string, group: string): TopicRequestMode | undefined {
    return this.#modes.get(topic)?.get(group)
  }

  /**
   * Sets a mode and has the table saved, see `saved`. Throws the host's error, and a ProtocolError when there is no
   * room for it.
   */
  set(mode: TopicRequestMode): void {
    const groups = this.#modes.get(mode.topic) ?? new Map<string, TopicRequestMode>()
    if (!groups.has(mode.consumerGroup)) {
      this.#limit.check(this.#count + 1)
      this.#count++
    }
    this.#modes.set(mode.topic, groups.set(mode.consumerGroup, mode))
    void this.#saved.commit()
  }

  /** Settles once all changes so far are saved, or could not be; undefined when none waits. Rejects with the host's error. */
  get saved(): Promise<void> | undefined {
    return this.#saved.waiting
  }

  /** Writes the file if it does not have the last change, when there is no later time to write it. Throws the host's error. */
  saveLast(): void {
    this.#saved.saveLast()
  }

  #content(): unknown {
    const topics = [...this.#modes].map(([topic, groups]) => [topic, Object.fromEntries(groups)])
    return { messageRequestModeMap: Object.fromEntries(topics) as unknown }
  }

  /** The whole table, as the file and GET_ALL_MESSAGE_REQUEST_MODE have it. */
  encode(): Buffer {
    return messageRequestModesBody.encode({ messageRequestModeMap: this.#modes })
  }
}
