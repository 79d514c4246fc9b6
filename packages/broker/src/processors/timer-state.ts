import {
  encodeTimerCheckPoint,
  ResponseCode,
  timerMetricsBody,
  type GetTimerCheckPoint,
  type GetTimerMetrics,
} from '@skylarkmq/protocol'
import { refuse, type Processor } from '@skylarkmq/remoting'
import type { BrokerContext } from '../broker-context.ts'

/** GET_TIMER_CHECK_POINT: where the messages that wait are, as a slave wants it. Apache: `AdminBrokerProcessor.java`. */
export const getTimerCheckPoint: Processor<BrokerContext, typeof GetTimerCheckPoint> = ({
  store,
}) => {
  if (store.timers === undefined) {
    return refuse(ResponseCode.SYSTEM_ERROR, 'The checkpoint is null')
  }
  return { code: ResponseCode.SUCCESS, body: encodeTimerCheckPoint(store.timers.checkPoint) }
}

/** GET_TIMER_METRICS: how many messages of each topic wait. Apache: `AdminBrokerProcessor.java`. */
export const getTimerMetrics: Processor<BrokerContext, typeof GetTimerMetrics> = ({ store }) => {
  if (store.timers === undefined) {
    return refuse(ResponseCode.SYSTEM_ERROR, 'The timer message store is null')
  }
  return { code: ResponseCode.SUCCESS, body: timerMetricsBody.encode(store.timers.metrics) }
}
