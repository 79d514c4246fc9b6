import { hostErrorCode, type Timer } from '@skylarkmq/env'
import {
  CheckTransactionState,
  encodeHeader,
  MessageSysFlag,
  parseOffsetMsgId,
  ResponseCode,
  SystemGroup,
  SystemTopic,
  type EndTransaction,
  type HeaderOf,
} from '@skylarkmq/protocol'
import { OK, refuse, type Reply } from '@skylarkmq/remoting'
import { isStored, OnceFlushed, type MessageToStore, type PutMessageResult } from '@skylarkmq/store'
import { halfGivenUp, halvesNotRead } from '../events.ts'
import { codeOfPutStatus } from '../response-of-status.ts'
import { CheckBack, endsUnaskedWithinMs, type CheckAction, type CheckEvent } from './check-back.ts'
import {
  checkRequest,
  committedMessage,
  copyOfHalf,
  discardedHalf,
  endedOffsets,
  endedRecord,
  readHalf,
  type HalfMessage,
} from './half-message.ts'
import { HalfRecords, QUEUE_ID } from './half-records.ts'
import { HalfTable } from './half-table.ts'
import type { TransactionParts } from './needs.ts'

const { TRANS_HALF, TRANS_OP_HALF, TRANS_CHECK_MAX_TIME } = SystemTopic
const GROUP = SystemGroup.TRANSACTION
/** Steps of a round per turn, so that other work can run. */
const STEPS_PER_TURN = 512
const MS_PER_HOUR = 3_600_000
const NOT_FOUND = 'Find prepared transaction message failed'
/** Apache's answer to a rollback, with all its fields. */
const NOT_SET = 'not set any response code'
const NOT_RESUMED = 'Exception was thrown when putting message back to RMQ_SYS_TRANS_HALF_TOPIC.'

/** Progress of checks. */
interface Progress {
  readonly half: number
  readonly op: number
}

/**
 * The half messages of one broker: ends them as their producers decide, and checks with producers that have not
 * answered.
 *
 * A commit appends the message, which names its half, to its topic, and in the same turn a record that the half has
 * ended. Only a torn write can separate the two; therefore a half that is older than this process is delivered only
 * after the index confirms that its message is not in the log. Invariant: after any failed write, the state is read
 * from the queues again. Apache: `TransactionalMessageServiceImpl.java`, `EndTransactionProcessor.java`.
 */
export class Transactions {
  readonly #parts: TransactionParts
  readonly #records: HalfRecords
  #table: HalfTable | undefined
  #check: CheckBack | undefined
  /** Half messages before this queue offset are older than the state in memory. */
  #doubtBefore = 0
  /** Everything before this offset of the log must be in queues and index before the state is read again. */
  #unreadBefore = 0
  /** Offsets of ended half messages that are not recorded yet. */
  #ended: number[] = []
  /** Whether a rollback was answered in this turn. */
  #hasRollback = false
  #isTurnOpen = false
  #isChecking = false
  readonly #taken = new OnceFlushed<Progress>()
  #timer: Timer | undefined
  #isWatching = false

  constructor(parts: TransactionParts) {
    this.#parts = parts
    this.#records = new HalfRecords(parts.store)
  }

  /** Reads the state of half messages from the queues, and starts checks. */
  start(): void {
    this.#watch()
    this.#load()
    this.#wait()
  }

  /** Follows the log from the first start on, also while stopped. */
  #watch(): void {
    if (this.#isWatching) return
    this.#isWatching = true
    this.#parts.store.watch({
      cut: () => {
        // New messages will reuse the offsets of the lost ones.
        this.#forget()
        this.#ended = []
      },
    })
  }

  /** Stops checks until the next start. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#forget()
    this.saveProgress()
  }

  /**
   * Saves progress in the offset table as Apache's group CID_RMQ_SYS_TRANS once it is safe, that is, once the log has
   * on disk what was appended meanwhile. Invariant: no half message is passed before its copy is on disk.
   */
  saveProgress(): void {
    const { store, offsets } = this.#parts
    const taken = this.#taken.ready(store.flushedOffset)
    if (taken !== undefined) {
      offsets.commit(GROUP, TRANS_HALF, QUEUE_ID, taken.half)
      offsets.commit(GROUP, TRANS_OP_HALF, QUEUE_ID, taken.op)
      this.#taken.forget()
    }
    const table = this.#table
    if (this.#taken.isWaiting || table === undefined) return
    const { halfNext: half, opNext: op } = table
    if (half === this.#progressOf(TRANS_HALF) && op === this.#progressOf(TRANS_OP_HALF)) return
    this.#taken.keep({ half, op }, store.commitLogOffsetMax)
  }

  // ---- what is known of half messages

  #progressOf(topic: string): number {
    const { store, offsets } = this.#parts
    const min = store.offsetMin(topic, QUEUE_ID)
    const max = store.offsetMax(topic, QUEUE_ID)
    return Math.min(max, Math.max(min, offsets.committed(GROUP, topic, QUEUE_ID) ?? min))
  }

  #forget(): void {
    this.#table = undefined
    this.#check = undefined
    this.#isChecking = false
    this.#taken.forget()
  }

  /** The table, read if necessary; undefined when the disk refuses, or when not everything can be read yet. */
  #load(): HalfTable | undefined {
    if (this.#table !== undefined) return this.#table
    const { store } = this.#parts
    if (store.commitLogOffsetMax - store.dispatchBehindBytes < this.#unreadBefore) return undefined
    const table = new HalfTable(this.#progressOf(TRANS_HALF), this.#progressOf(TRANS_OP_HALF))
    try {
      this.#read(table)
    } catch (error) {
      if (hostErrorCode(error) === undefined) throw error
      this.#parts.env.events.emit(halvesNotRead, { reason: String(error) })
      return undefined
    }
    this.#doubtBefore = store.offsetMax(TRANS_HALF, QUEUE_ID)
    this.#table = table
    this.#check = new CheckBack(table)
    return table
  }

  #read(table: HalfTable): void {
    const { store } = this.#parts
    const opEnd = store.offsetMax(TRANS_OP_HALF, QUEUE_ID)
    const told = new Set<number>()
    for (let offset = table.opNext; offset < opEnd; offset++) {
      const record = this.#records.at(TRANS_OP_HALF, offset)
      const halves = record === undefined ? [] : endedOffsets(record)
      table.noteRecord(offset, halves)
      table.noteEnded(halves)
      for (const half of halves) told.add(half)
    }
    const halfEnd = store.offsetMax(TRANS_HALF, QUEUE_ID)
    for (let offset = table.halfNext; offset < halfEnd; offset++) {
      if (table.isEnded(offset)) continue
      const record = this.#records.at(TRANS_HALF, offset)
      const half = record === undefined ? undefined : readHalf(record)
      if (half === undefined || half.root === offset) continue
      // A copy: it stands for all earlier ones, unless a record says that the first one has ended.
      if (told.has(half.root)) table.noteEnded([offset])
      else table.copied(half.root, offset)
    }
  }

  // ---- a producer says what became of a transaction

  /** END_TRANSACTION of a commit or a rollback. However often it arrives, the message is delivered at most once. */
  end(header: HeaderOf<typeof EndTransaction>): Reply {
    const half = this.#records.halfAt(header.commitLogOffset)
    if (half?.record.topic !== TRANS_HALF) return refuse(ResponseCode.SYSTEM_ERROR, NOT_FOUND)
    const refused = this.#refusal(half, header)
    if (refused !== undefined) return refused
    const table = this.#load()
    if (table === undefined)
      return refuse(ResponseCode.SYSTEM_ERROR, 'half messages cannot be read')
    const isCommit = header.commitOrRollback === MessageSysFlag.TRANSACTION_COMMIT
    const done = isCommit ? OK : { ...OK, remark: NOT_SET }
    const state = table.stateOf(half)
    if (state === 'ended') return done
    if (
      state === 'passed' &&
      !(isCommit && !this.#records.isCommitted(half) && this.#records.isGivenUp(half))
    ) {
      return done
    }
    if (half.root < this.#doubtBefore && this.#records.isCommitted(half)) {
      this.#noteEnd(table, half)
      return done
    }
    if (isCommit) return this.#commit(table, half)
    // The record of its end is written at the end of the turn; if that fails, the answer is taken back.
    if (!this.#parts.store.isWriteable()) {
      return refuse(codeOfPutStatus.SERVICE_NOT_AVAILABLE, 'the store takes no messages now')
    }
    this.#noteEnd(table, half)
    this.#count(half, false)
    this.#hasRollback = true
    return { ...done, holdsIfWritten: true }
  }

  /** Apache: `EndTransactionProcessor.java`, rejectCommitOrRollback and checkPrepareMessage. */
  #refusal(half: HalfMessage, header: HeaderOf<typeof EndTransaction>): Reply | undefined {
    const { config, env } = this.#parts
    const withinMs = endsUnaskedWithinMs(half, config.transactionTimeOut)
    if (header.fromTransactionCheck !== true && withinMs !== undefined) {
      const isLate = env.clock.now() - half.bornTimestamp > withinMs
      if (isLate) return refuse(ResponseCode.ILLEGAL_OPERATION, NOT_SET)
    }
    if (half.group !== header.producerGroup) {
      return refuse(ResponseCode.SYSTEM_ERROR, 'The producer group wrong')
    }
    if (half.queueOffset !== header.tranStateTableOffset) {
      return refuse(ResponseCode.SYSTEM_ERROR, 'The transaction state table offset wrong')
    }
    const { uniqKey } = half
    const { transactionId = '', msgId } = header
    // After a crash another half message may be at the offset for which a producer was asked.
    if (transactionId !== '' && transactionId !== uniqKey && msgId !== uniqKey) {
      return refuse(ResponseCode.SYSTEM_ERROR, NOT_FOUND)
    }
    return undefined
  }

  #commit(table: HalfTable, half: HalfMessage): Reply {
    const message = committedMessage(half)
    if (message === undefined) {
      return refuse(ResponseCode.SYSTEM_ERROR, 'the half message does not say its topic')
    }
    this.#openTurn()
    const result = this.#put(message)
    if (!isStored(result.status)) {
      return refuse(codeOfPutStatus[result.status], result.remark ?? result.status)
    }
    this.#noteEnd(table, half)
    this.#count(half, true)
    return { ...OK, holdsIfWritten: true }
  }

  #count({ realTopic = '', bornTimestamp }: HalfMessage, isCommit: boolean): void {
    const { meter, env } = this.#parts
    meter.ended(realTopic, isCommit, env.clock.now() - bornTimestamp)
  }

  #noteEnd(table: HalfTable, half: HalfMessage): void {
    this.#openTurn()
    this.#ended.push(...table.end(half))
  }

  /** RESUME_CHECK_HALF_MESSAGE: restarts the checks of a discarded half message. */
  resume(offsetMsgId: string): Reply {
    const offset = parseOffsetMsgId(offsetMsgId)?.physicalOffset
    const half = offset === undefined ? undefined : this.#records.halfAt(offset)
    const table = this.#load()
    if (half?.record.topic !== TRANS_CHECK_MAX_TIME || table === undefined) {
      return refuse(ResponseCode.SYSTEM_ERROR, NOT_RESUMED)
    }
    if (half.root >= 0 && this.#records.isCommitted(half)) {
      return refuse(ResponseCode.SYSTEM_ERROR, `${NOT_RESUMED} It was committed meanwhile.`)
    }
    this.#openTurn()
    const result = this.#put(copyOfHalf(half, 0))
    if (!isStored(result.status)) {
      return refuse(
        ResponseCode.SYSTEM_ERROR,
        'Put message back to RMQ_SYS_TRANS_HALF_TOPIC failed.',
      )
    }
    if (half.root >= 0) table.copied(half.root, result.queueOffset)
    return { ...OK, holdsIfWritten: true }
  }

  // ---- what is appended in a turn

  #put(message: MessageToStore): PutMessageResult {
    const result = this.#parts.store.putMessage(message)
    // Messages that do not wait for the disk are answered immediately.
    if (result instanceof Promise) throw new Error('a message that does not wait was made to wait')
    if (isStored(result.status)) this.#parts.stored(message.topic, result.sizeBytes)
    return result
  }

  /**
   * Called before the first append of a turn: ended half messages are recorded at its end, and nothing unwritten
   * counts.
   */
  #openTurn(): void {
    if (this.#isTurnOpen) return
    this.#isTurnOpen = true
    const { turn } = this.#parts.env
    turn.writes(() => {
      this.#writeEnded()
    })
    turn.sends((failure) => {
      this.#isTurnOpen = false
      this.#hasRollback = false
      if (failure === undefined) return
      this.#forget()
      this.#ended = []
      // A failed write may have succeeded in part, up to the message of a commit without the record of its end.
      this.#unreadBefore = this.#parts.store.commitLogOffsetWritten
    })
  }

  #writeEnded(): void {
    const { config, env } = this.#parts
    while (this.#ended.length > 0) {
      let count = 0
      for (let bytes = 0; count < this.#ended.length; count++) {
        bytes += String(this.#ended[count]).length + 1
        if (count > 0 && bytes > config.transactionOpMsgMaxSize) break
      }
      const offsets = this.#ended.slice(0, count)
      const result = this.#put(endedRecord(offsets, env.clock.now(), config.storeHost))
      if (!isStored(result.status)) {
        // A rollback consists of this record only: its answer, which waits for the write, is taken back.
        if (this.#hasRollback) throw new Error(`a rollback is not in the log: ${result.status}`)
        // A commit has its message; the record of its end is written with the next one, and until then kept in
        // memory.
        return
      }
      this.#ended.splice(0, count)
      this.#table?.noteRecord(result.queueOffset, offsets)
    }
  }

  // ---- rounds of checks

  #wait(): void {
    const { config, env } = this.#parts
    this.#timer = env.clock.after(Math.max(1, config.transactionCheckInterval), () => {
      this.#wait()
      this.#begin()
    })
  }

  #begin(): void {
    const { config, env, store } = this.#parts
    this.saveProgress()
    if (this.#isChecking || !store.isWriteable()) return
    if (this.#load() === undefined || this.#check === undefined) return
    if (this.#ended.length > 0) this.#openTurn()
    this.#isChecking = true
    const rules = {
      now: env.clock.now(),
      timeoutMs: config.transactionTimeOut,
      checkMax: config.transactionCheckMax,
      reservedMs: config.fileReservedTime * MS_PER_HOUR,
    }
    const end = store.offsetMax(TRANS_HALF, QUEUE_ID)
    this.#run(this.#check, this.#check.step({ kind: 'round', rules, end }))
  }

  /** Does a part of a round in this turn; the rest follows once the log has it. */
  #run(check: CheckBack, actions: CheckAction[]): void {
    const asks: (() => void)[] = []
    const queue = [...actions]
    let halfNext: number | undefined
    for (let steps = 0; queue.length > 0 && steps < STEPS_PER_TURN; steps++) {
      const action = queue.shift() as CheckAction
      if (action.kind === 'finish') halfNext = action.halfNext
      else queue.push(...this.#do(check, action, asks))
    }
    this.#parts.env.turn.sends((failure) => {
      // A round with a failed write is dropped, and the next one begins at the same place.
      if (failure !== undefined) this.#forget()
      if (this.#check !== check) return
      for (const ask of asks) ask()
      if (queue.length > 0) this.#goOn(check, queue)
      else {
        this.#isChecking = false
        if (halfNext !== undefined) this.#table?.advance(halfNext)
        this.saveProgress()
      }
    })
  }

  #goOn(check: CheckBack, queue: CheckAction[]): void {
    this.#parts.env.clock.after(0, () => {
      if (this.#check === check) this.#run(check, queue)
    })
  }

  #do(
    check: CheckBack,
    action: Exclude<CheckAction, { kind: 'finish' }>,
    asks: (() => void)[],
  ): CheckAction[] {
    try {
      switch (action.kind) {
        case 'read':
          return check.step(this.#readAt(action.offset))
        case 'end':
          if (this.#table !== undefined) this.#noteEnd(this.#table, action.half)
          return []
        case 'copy':
          return check.step(this.#copy(action, asks))
        case 'discard':
          return check.step(this.#discard(action.half))
      }
    } catch (error) {
      if (hostErrorCode(error) === undefined) throw error
      this.#parts.env.events.emit(halvesNotRead, { reason: String(error) })
      return check.step({ kind: 'failed' })
    }
  }

  #readAt(offset: number): CheckEvent {
    const { store } = this.#parts
    const half = this.#records.halfInQueue(offset)
    if (half === undefined) {
      return { kind: 'gap', next: Math.max(offset + 1, store.offsetMin(TRANS_HALF, QUEUE_ID)) }
    }
    const isCommitted = half.root < this.#doubtBefore && this.#records.isCommitted(half)
    return { kind: 'half', half, isCommitted }
  }

  #copy(action: Extract<CheckAction, { kind: 'copy' }>, asks: (() => void)[]): CheckEvent {
    const { half, checkTimes } = action
    const { config } = this.#parts
    this.#openTurn()
    const copy = this.#put(copyOfHalf(half, checkTimes))
    if (!isStored(copy.status)) return { kind: 'failed' }
    const { queueOffset, physicalOffset } = copy
    const { group } = half
    if (action.asks && group !== undefined) {
      const { header, body } = checkRequest(
        half,
        { queueOffset, physicalOffset, checkTimes },
        config.brokerName,
      )
      const { code, name } = CheckTransactionState
      const fields = encodeHeader(CheckTransactionState, header)
      asks.push(() => this.#parts.ask(group, { code, name, fields, body }))
    }
    return { kind: 'appended', offset: queueOffset }
  }

  #discard(half: HalfMessage): CheckEvent {
    const { env } = this.#parts
    this.#parts.ensureDiscardTopic()
    this.#openTurn()
    const result = this.#put(discardedHalf(half))
    if (!isStored(result.status)) return { kind: 'failed' }
    const { realTopic: topic = '', uniqKey = '', group = '' } = half
    this.#parts.meter.givenUp(topic)
    env.events.emit(halfGivenUp, { topic, group, uniqKey })
    return { kind: 'appended', offset: result.queueOffset }
  }
}
