/** Where everything of a simulated system is. */
export const NAME_SERVERS = ['10.0.0.1', '10.0.0.2'] as const
export const BROKERS = { 'broker-a': '10.0.1.1', 'broker-b': '10.0.1.2' } as const
export const PRODUCERS = ['10.0.2.1', '10.0.2.2'] as const
export const CONSUMERS = ['10.0.3.1', '10.0.3.2', '10.0.3.3'] as const
export const OPERATOR = '10.0.4.1'
export const NAMESRV_PORT = 9876
export const BROKER_PORT = 10_911
/** What clients and brokers are told. */
export const NAMESRV_ADDRS = NAME_SERVERS.map((each) => `${each}:${NAMESRV_PORT}`).join(';')
/** Where brokers keep their files. */
export const ROOT = '/data/store'
export const QUEUES = 2

/** Topics, and who consumes them. */
export const TOPICS = {
  Plain: { kind: 'plain', groups: ['workers', 'auditors'] },
  Orders: { kind: 'ordered', groups: ['orderly'] },
  Payments: { kind: 'transaction', groups: ['workers'] },
  Later: { kind: 'delayed', groups: ['workers'] },
} as const

/** A topic that clients use all the time. */
export type TopicName = keyof typeof TOPICS

/** Groups of consumers, and what each of them wants. */
export const GROUPS: Readonly<Record<string, { topics: readonly TopicName[]; ordered: boolean }>> =
  {
    workers: { topics: ['Plain', 'Payments', 'Later'], ordered: false },
    auditors: { topics: ['Plain'], ordered: false },
    orderly: { topics: ['Orders'], ordered: true },
  }

/** Queues that messages may lie in, retried ones among them. */
export function everyQueue(): { readonly topic: string; readonly queueId: number }[] {
  const retries = Object.keys(GROUPS).map((group) => ({ topic: `%RETRY%${group}`, queueId: 0 }))
  const own = Object.keys(TOPICS).flatMap((topic) =>
    Array.from({ length: QUEUES }, (_, queueId) => ({ topic, queueId })),
  )
  return [...own, ...retries]
}
