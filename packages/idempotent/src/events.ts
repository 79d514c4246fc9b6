import { defineEvent } from '@skylarkmq/env'

/** A message of an outbox could not be sent, or its row could not be deleted; this is retried. */
export const outboxWaits = defineEvent({
  name: 'outbox.waits',
  level: 'warn',
  fields: { msgId: 'id of the message, or any', reason: 'what went wrong' },
  says: 'message {msgId} of the outbox is not sent yet: {reason}',
})
