import {
  EndTransaction,
  MessageSysFlag,
  Property,
  type CheckTransactionState,
  type HeaderOf,
} from '@skylarkmq/protocol'
import type { Connection } from '@skylarkmq/remoting'
import type { CheckListener, ClientInstance } from '../client-instance.ts'
import { shown } from '../check/check-options.ts'
import { MessageError, OptionError, saysOf } from '../errors.ts'
import { transactionCheckFailed } from '../events.ts'
import type { Message, ReceivedMessage } from '../message.ts'
import { UserContext } from '../user-code.ts'
import { isDelayed, propertyText, type PreparedSend } from './encode-send.ts'

/** What became of a transaction. After `unknown`, the broker asks later. */
export type TransactionDecision = 'commit' | 'rollback' | 'unknown'

/**
 * Says what became of a transaction that this group began, perhaps in another process: the broker asks when it was
 * told nothing. What it throws counts as `unknown`.
 */
export type TransactionCheck = (
  message: ReceivedMessage,
) => TransactionDecision | Promise<TransactionDecision>

/** `commitOrRollback` of each decision. */
const CODES: Readonly<Record<TransactionDecision, number>> = {
  commit: MessageSysFlag.TRANSACTION_COMMIT,
  rollback: MessageSysFlag.TRANSACTION_ROLLBACK,
  unknown: 0,
}

/** Where a half message lies, and what it is called. */
interface Half {
  readonly queueOffset: number
  readonly physicalOffset: number
  readonly msgId: string
  readonly transactionId: string | undefined
}

/** A message as a half message. Throws RMQ_MESSAGE for one that is to come later. */
export function prepareHalfSend(
  message: Message,
  prepared: PreparedSend,
  group: string,
): PreparedSend {
  if (isDelayed(message)) {
    throw new MessageError({ problem: 'a message of a transaction cannot be delayed' })
  }
  const marks = propertyText(Property.TRAN_MSG, 'true') + propertyText(Property.PGROUP, group)
  return {
    ...prepared,
    properties: prepared.properties + marks,
    sysFlag: prepared.sysFlag | MessageSysFlag.TRANSACTION_PREPARED,
  }
}

/** The header that tells a broker of a decision. */
export function endHeader(
  producerGroup: string,
  topic: string,
  half: Half,
  decision: TransactionDecision,
  isAsked: boolean,
): HeaderOf<typeof EndTransaction> {
  return {
    producerGroup,
    topic,
    tranStateTableOffset: half.queueOffset,
    commitLogOffset: half.physicalOffset,
    commitOrRollback: CODES[decision],
    fromTransactionCheck: isAsked,
    msgId: half.msgId,
    transactionId: half.transactionId,
  }
}

/** Checks that run at the same time, at most. */
const CHECKS_MAX = 1024

/**
 * Answers brokers that ask what became of transactions of a group. The answer goes to who asked, with the offsets it
 * asked by. Returns what ends that. Apache: `DefaultMQProducerImpl.java`, checkTransactionState.
 */
export function answerChecks(
  client: ClientInstance,
  group: string,
  check: TransactionCheck,
): () => void {
  let open = 0
  const context = new UserContext()
  // Never rejects: what is not said now is asked for again.
  const answer = async (...[header, message, connection]: Parameters<CheckListener>) => {
    try {
      const decision = checkedDecision('check', await context.run(async () => check(message)))
      if (decision !== 'unknown') say(client, group, header, message, decision, connection)
    } catch (error) {
      const { topic, msgId } = message
      client.env.events.emit(transactionCheckFailed, { topic, msgId, reason: saysOf(error) })
    } finally {
      open--
    }
  }
  const listener: CheckListener = (header, message, connection) => {
    // The broker asks again.
    if (open >= CHECKS_MAX) return
    // Who is asked before the work has begun would say that it was not done.
    if (client.halves.has(message.msgId)) return
    open++
    void answer(header, message, connection)
  }
  client.transactionChecks.set(group, listener)
  return () => {
    // Another producer of the group may have taken it over.
    if (client.transactionChecks.get(group) === listener) client.transactionChecks.delete(group)
  }
}

/** What a function of the user, `option`, decided. Throws RMQ_OPTION for what is no decision. */
export function checkedDecision(option: string, decision: unknown): TransactionDecision {
  if (typeof decision === 'string' && Object.hasOwn(CODES, decision)) {
    return decision as TransactionDecision
  }
  const problem = `it gave ${shown(decision)}, which is none of 'commit', 'rollback' and 'unknown'`
  const advice = 'The message waits, and the broker asks again what became of it.'
  throw new OptionError({ option, problem, advice })
}

function say(
  client: ClientInstance,
  group: string,
  asked: HeaderOf<typeof CheckTransactionState>,
  message: ReceivedMessage,
  decision: TransactionDecision,
  connection: Connection,
): void {
  const half = {
    queueOffset: asked.tranStateTableOffset,
    physicalOffset: asked.commitLogOffset,
    msgId: message.msgId,
    transactionId: asked.transactionId,
  }
  const header = endHeader(group, client.wrapped(message.topic), half, decision, true)
  client.caller.tell(connection, EndTransaction, header)
}
