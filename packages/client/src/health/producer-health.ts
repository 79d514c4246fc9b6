import { withoutNamespace } from '@skylarkmq/protocol'
import { seconds, type HealthLimits, type ProducerHealth } from './health.ts'

/** What a producer knows of itself; times are of the monotonic clock. */
export interface ProducerHealthParts {
  readonly group: string
  readonly namespace: string | undefined
  readonly isClosed: boolean
  /** Since when all sends have failed; undefined when the last one did not. */
  readonly sinceMs: number | undefined
  /** When one failed last. */
  readonly lastMs: number | undefined
  readonly nowMs: number
}

/**
 * How a producer does. Who is taken out of service sends nothing that could succeed: what failed counts for as long as
 * sends may fail, and no longer.
 */
export function producerHealth(
  { group, namespace = '', isClosed, sinceMs, lastMs, nowMs }: ProducerHealthParts,
  limits: HealthLimits,
): ProducerHealth {
  const ago = (ms: number | undefined): number | undefined =>
    ms === undefined ? undefined : Math.round(nowMs - ms)
  const failingMs = ago(sinceMs)
  const failedMsAgo = ago(lastMs)
  const reasons = isClosed ? ['it is closed'] : []
  const isFailing = failingMs !== undefined && failingMs >= limits.failingMs
  const isLately = failedMsAgo !== undefined && failedMsAgo <= limits.failingMs
  if (!isClosed && isFailing && isLately) {
    reasons.push(`all sends have failed for ${seconds(failingMs)}`)
  }
  return {
    ok: reasons.length === 0,
    reasons,
    group: withoutNamespace(group, namespace),
    ...{ isClosed, failingMs, failedMsAgo },
  }
}
