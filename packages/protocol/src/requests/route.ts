import { ResponseCode } from '../codes/response-code.ts'
import { defineRequest } from '../schema/define-request.ts'
import { boolean, optional, orElse } from '../schema/fields.ts'
import { refusedAs, topicName, zoneNameType } from '../schema/name-fields.ts'
import { topicFields } from './common-fields.ts'

/** Asks which brokers have a topic. */
export const GetRouteinfoByTopic = defineRequest({
  code: 105,
  name: 'GET_ROUTEINFO_BY_TOPIC',
  doc: 'Asks which brokers have a topic.',
  source: 'GetRouteInfoRequestHeader.java, ClientRequestProcessor.java',
  refusals: ['TOPIC_NOT_EXIST'],
  header: {
    ...topicFields,
    topic: orElse(
      refusedAs(ResponseCode.TOPIC_NOT_EXIST, topicName),
      '',
      'Topic, with the namespace already wrapped in.',
    ),
    acceptStandardJsonOnly: optional(boolean, 'True wants standard JSON whatever the version.'),
    zoneMode: optional(boolean, 'True wants brokers of one zone only.'),
    zoneName: optional(zoneNameType, 'The zone.'),
  },
  reply: {},
  wireNames: { zoneMode: '__ZONE_MODE', zoneName: '__ZONE_NAME' },
})
