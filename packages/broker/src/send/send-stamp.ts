import { formatProperties, Property, type FieldMap } from '@skylarkmq/protocol'

/** What a broker puts on each message it takes, and on each answer to a send. */
export interface SendStamp {
  /** Encoded properties MSG_REGION, TRACE_ON and CLUSTER. */
  readonly properties: Buffer
  /** Fields of the answer. */
  readonly fields: FieldMap
}

/** Makes the stamp out of the configuration; again when that changes. */
export function sendStamp(config: {
  readonly regionId: string
  readonly traceOn: boolean
  readonly brokerClusterName: string
}): SendStamp {
  const traced = String(config.traceOn)
  const properties = formatProperties({
    [Property.MSG_REGION]: config.regionId,
    [Property.TRACE_ON]: traced,
    [Property.CLUSTER]: config.brokerClusterName,
  })
  return {
    properties: Buffer.from(properties),
    // Frozen: who writes answers looks it over once.
    fields: Object.freeze({ [Property.MSG_REGION]: config.regionId, [Property.TRACE_ON]: traced }),
  }
}
