import { defineEvent } from '@skylarkmq/env'

/** A message of an outbox could not be sent, or its row not removed; it is tried again. */
export const outboxWaits = defineEvent({
  name: 'outbox.waits',
  level: 'warn',
  fields: { msgId: 'id of the message, or any', reason: 'what went wrong' },
  says: 'the message {msgId} of the outbox waits: {reason}',
})
