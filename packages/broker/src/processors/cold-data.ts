import {
  parsePropertiesText,
  resourceProblem,
  ResponseCode,
  type GetColdDataFlowCtrInfo,
  type RemoveColdDataFlowCtrConfig,
  type SetCommitlogReadMode,
  type UpdateColdDataFlowCtrConfig,
} from '@skylarkmq/protocol'
import { OK, refuse, type Processor } from '@skylarkmq/remoting'
import type { BrokerContext } from '../broker-context.ts'

/** Modes of madvise: `MADV_NORMAL` and `MADV_RANDOM`. */
const NORMAL = 0
const RANDOM = 1

/** UPDATE_COLD_DATA_FLOW_CTR_CONFIG: lines that are no `group=number` are passed over. Apache: `AdminBrokerProcessor.java`. */
export const updateColdDataFlowCtrConfig: Processor<
  BrokerContext,
  typeof UpdateColdDataFlowCtrConfig
> = ({ coldData }, { body }) => {
  for (const [group, text] of parsePropertiesText(body?.toString('utf8') ?? '')) {
    const isGood = resourceProblem(group) === undefined
    if (isGood && /^[-+]?\d+$/.test(text)) coldData.setThreshold(group, Number(text))
  }
  return OK
}

/** REMOVE_COLD_DATA_FLOW_CTR_CONFIG: the body is the group. */
export const removeColdDataFlowCtrConfig: Processor<
  BrokerContext,
  typeof RemoveColdDataFlowCtrConfig
> = ({ coldData }, { body }) => {
  if (body !== undefined) coldData.removeThreshold(body.toString('utf8'))
  return OK
}

/** GET_COLD_DATA_FLOW_CTR_INFO: limits, and what was read, as JSON. */
export const getColdDataFlowCtrInfo: Processor<BrokerContext, typeof GetColdDataFlowCtrInfo> = ({
  coldData,
}) => ({ code: ResponseCode.SUCCESS, body: Buffer.from(JSON.stringify(coldData.info())) })

/** SET_COMMITLOG_READ_MODE: takes note of the mode; the log is not mapped here, so that it has no other effect. */
export const setCommitlogReadMode: Processor<BrokerContext, typeof SetCommitlogReadMode> = (
  { config },
  request,
) => {
  const { readAheadMode } = request.header
  if (Object.keys(request.fields()).length === 0) {
    return refuse(ResponseCode.SYSTEM_ERROR, 'set commitlog readahead mode param error')
  }
  const isInt =
    /^[-+]?\d{1,10}$/.test(readAheadMode ?? '') && Math.abs(Number(readAheadMode)) < 2 ** 31
  if (!isInt) {
    return refuse(ResponseCode.SYSTEM_ERROR, 'set commitlog readahead mode failed')
  }
  const mode = Number(readAheadMode)
  if (mode !== NORMAL && mode !== RANDOM) {
    return refuse(ResponseCode.INVALID_PARAMETER, 'set commitlog readahead mode param value error')
  }
  config.dataReadAheadEnable = mode === NORMAL
  return {
    code: ResponseCode.SUCCESS,
    remark: `set commitlog readahead mode success, mode: ${mode}`,
  }
}
