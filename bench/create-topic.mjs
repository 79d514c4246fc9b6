import { ask } from '../test/conformance/lib/remoting.mjs'

const UPDATE_AND_CREATE_TOPIC = 17

/** Creates a topic at a broker; throws when it is refused. */
export async function createTopic(address, name, queues) {
  const fields = {
    ...{ topic: name, defaultTopic: 'TBW102' },
    ...{ readQueueNums: String(queues), writeQueueNums: String(queues) },
    ...{ perm: '6', topicFilterType: 'SINGLE_TAG', topicSysFlag: '0', order: 'false' },
  }
  const answer = await ask(address, UPDATE_AND_CREATE_TOPIC, fields)
  if (answer?.header.code !== 0) throw new Error(`no topic: ${JSON.stringify(answer?.header)}`)
}
