import { ResponseCode } from '@skylarkmq/protocol'

/** What to do about an answer, by its code. */
const BY_CODE: Readonly<Record<number, string>> = {
  [ResponseCode.REQUEST_CODE_NOT_SUPPORTED]:
    'The server is of a version, or of a kind, that does not know this request.',
  [ResponseCode.MESSAGE_ILLEGAL]:
    'The remark says what the broker takes; maxMessageSize in its broker.conf is the size. The producer’s maxMessageBytes refuses larger ones before they are sent.',
  [ResponseCode.SERVICE_NOT_AVAILABLE]:
    'The broker takes no messages now: its disk is full, it is ending, or it is a slave; the remark says which. Free space, or look at fileReservedTime and diskMaxUsedSpaceRatio in its broker.conf.',
  [ResponseCode.NO_PERMISSION]:
    'Something is forbidden, and the remark says what: the permission of the topic (mqadmin updateTopicPerm, 6 reads and writes), of the broker (brokerPermission in broker.conf), or of the group (consumeEnable).',
  [ResponseCode.TOPIC_NOT_EXIST]:
    'Create the topic, by mq.admin().topics.create() or mqadmin updateTopic, or correct its name.',
  [ResponseCode.SUBSCRIPTION_PARSE_FAILED]:
    "Correct the expression of the subscription: tags such as paid || refunded, or SQL92 such as price > 10 AND region = 'hangzhou'.",
  [ResponseCode.SUBSCRIPTION_NOT_EXIST]:
    'The broker does not know what the group wants of this topic: another member may want something else. All members of a group must have the same subscriptions.',
  [ResponseCode.SUBSCRIPTION_NOT_LATEST]:
    'Another member of the group wants something else of this topic. All members of a group must have the same subscriptions.',
  [ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST]:
    'Create the group, by mq.admin().groups.create() or mqadmin updateSubGroup: this broker makes none by itself (autoCreateSubscriptionGroup).',
  [ResponseCode.CONSUMER_NOT_ONLINE]:
    'No member of the group is connected to this broker. Start one, or correct the name of the group.',
}

/** What to do about an answer, by words of its remark. */
const BY_REMARK: readonly (readonly [RegExp, string])[] = [
  [
    /timer message illegal/,
    'The time is further off than timerMaxDelaySec in its broker.conf (three days) allows, or its timers are off (timerWheelEnable).',
  ],
  [
    /does not support consumer to filter/,
    'Set enablePropertyFilter=true in its broker.conf and restart it, or subscribe by tags.',
  ],
  [
    /not online/,
    'That client is not connected to this broker: mq.admin().groups.connections() names those of a group that are.',
  ],
]

/** What to do about the answer of a broker; undefined when nothing more is known than it says itself. */
export function brokerAdvice(answer: {
  readonly responseCode: number
  readonly remark: string
}): string | undefined {
  const found = BY_REMARK.find(([words]) => words.test(answer.remark))
  return found?.[1] ?? BY_CODE[answer.responseCode]
}
