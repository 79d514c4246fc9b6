import { defineRequest } from '../schema/define-request.ts'
import { int32, orElse, required } from '../schema/fields.ts'
import { brokerNameType } from '../schema/name-fields.ts'

/** Takes write permission from all topics of a broker. */
export const WipeWritePermOfBroker = defineRequest({
  code: 205,
  name: 'WIPE_WRITE_PERM_OF_BROKER',
  doc: 'Takes write permission from all topics of a broker.',
  source: 'WipeWritePermOfBrokerRequestHeader.java, DefaultRequestProcessor.java',
  header: {
    brokerName: orElse(
      brokerNameType,
      '',
      'Name of the broker, shared by a master and its slaves.',
    ),
  },
  reply: {
    wipeTopicCount: required(int32, 'Topics touched.'),
  },
})

/** Gives write permission back to all topics of a broker. */
export const AddWritePermOfBroker = defineRequest({
  code: 327,
  name: 'ADD_WRITE_PERM_OF_BROKER',
  doc: 'Gives write permission back to all topics of a broker.',
  source: 'AddWritePermOfBrokerRequestHeader.java, DefaultRequestProcessor.java',
  header: {
    brokerName: orElse(
      brokerNameType,
      '',
      'Name of the broker, shared by a master and its slaves.',
    ),
  },
  reply: {
    addTopicCount: required(int32, 'Topics touched.'),
  },
})
