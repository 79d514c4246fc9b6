import { defineError, responseName } from '@skylarkmq/protocol'

/** What a broker or a name server said when it did not do what was asked. */
export interface BrokerAnswer {
  /** See ResponseCode. */
  readonly responseCode: number
  readonly remark: string
  /** Name of the request. */
  readonly request: string
  /** `host:port` of who said it. */
  readonly address: string
}

class BrokerErrorRow extends defineError<BrokerAnswer>('ERR_CLIENT_BROKER', {
  says: (v) =>
    `${v.address} answered ${v.request} with ${responseName(v.responseCode)} (${v.responseCode}): ${v.remark}`,
  does: 'Look at `responseName`, which programs may match on, and at the remark.',
  for: 'user',
}) {}

/** A broker or a name server answered that it did not do what was asked. */
export class BrokerError extends BrokerErrorRow implements BrokerAnswer {
  /** See ResponseCode. */
  get responseCode(): number {
    return this.values.responseCode
  }

  /** Name of the response code, such as `TOPIC_NOT_EXIST`. */
  get responseName(): string {
    return responseName(this.values.responseCode)
  }

  /** What it said, in its own words. */
  get remark(): string {
    return this.values.remark
  }

  /** Name of the request. */
  get request(): string {
    return this.values.request
  }

  /** `host:port` of who said it. */
  get address(): string {
    return this.values.address
  }
}

/** None of the name servers answered. */
export class NameServerUnreachable extends defineError<{ addresses: string; reason: string }>(
  'ERR_CLIENT_NAMESRV',
  {
    says: (v) => `no name server answers at ${v.addresses}: ${v.reason}`,
    does: 'Start one with `skylark start`, or give the right address: `-n host:port`, NAMESRV_ADDR, or the option namesrvAddr.',
    for: 'user',
  },
) {}

/** No broker has the topic, or none that may be used for what was asked. */
export class NoRoute extends defineError<{ topic: string; reason: string }>('ERR_CLIENT_NO_ROUTE', {
  says: (v) => `the topic ${v.topic} has no route: ${v.reason}`,
  does: 'Create the topic, send a message where brokers create topics by themselves, or check that its broker runs and is registered with this name server.',
  for: 'user',
}) {}

/** A message that no broker would take. */
export class InvalidMessage extends defineError<{ problem: string }>('ERR_CLIENT_MESSAGE', {
  says: (v) => v.problem,
  does: 'Nothing was sent. Correct the message.',
  for: 'user',
}) {}

/** An option that cannot be used. */
export class InvalidOption extends defineError<{ option: string; problem: string }>(
  'ERR_CLIENT_OPTION',
  {
    says: (v) => `the option ${v.option} cannot be used: ${v.problem}`,
    does: 'Nothing was started. Correct the option.',
    for: 'user',
  },
) {}

/** The client was closed before. */
export class ClientClosed extends defineError<{ what: string }>('ERR_CLIENT_CLOSED', {
  says: (v) => `${v.what} is closed`,
  does: 'Make a new one.',
  for: 'user',
}) {}

/** A send got no good answer within its time, whatever was tried. */
export class SendFailed extends defineError<{ topic: string; tries: number; brokers: string }>(
  'ERR_CLIENT_SEND',
  {
    says: (v) =>
      `the message for ${v.topic} was not acknowledged after ${v.tries} tries (${v.brokers})`,
    does: 'See `cause` for the last reason. The message may have been stored all the same, if an answer was lost.',
    for: 'user',
  },
) {}
