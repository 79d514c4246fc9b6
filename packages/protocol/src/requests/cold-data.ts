import { defineRequest } from '../schema/define-request.ts'
import { optional, string } from '../schema/fields.ts'

/** Limits what groups read from cold files; the body has lines `group=threshold`. */
export const UpdateColdDataFlowCtrConfig = defineRequest({
  code: 2001,
  name: 'UPDATE_COLD_DATA_FLOW_CTR_CONFIG',
  doc: 'Limits what groups read from cold files; the body has lines `group=threshold`.',
  source: 'AdminBrokerProcessor.java',
  header: {},
  reply: {},
})

/** Lifts the limit of the group in the body. */
export const RemoveColdDataFlowCtrConfig = defineRequest({
  code: 2002,
  name: 'REMOVE_COLD_DATA_FLOW_CTR_CONFIG',
  doc: 'Lifts the limit of the group in the body.',
  source: 'AdminBrokerProcessor.java',
  header: {},
  reply: {},
})

/** Asks for limits and counts of cold reads. */
export const GetColdDataFlowCtrInfo = defineRequest({
  code: 2003,
  name: 'GET_COLD_DATA_FLOW_CTR_INFO',
  doc: 'Asks for limits and counts of cold reads.',
  source: 'AdminBrokerProcessor.java',
  header: {},
  reply: {},
})

/** Says how the commit log is read ahead. */
export const SetCommitlogReadMode = defineRequest({
  code: 2004,
  name: 'SET_COMMITLOG_READ_MODE',
  doc: 'Says how the commit log is read ahead.',
  source: 'AdminBrokerProcessor.java',
  header: {
    readAheadMode: optional(string, 'Number of the mode, as for madvise.'),
  },
  reply: {},
  wireNames: { readAheadMode: 'READ_AHEAD_MODE' },
})
