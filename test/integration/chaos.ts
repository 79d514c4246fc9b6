import type { TestContext } from 'node:test'
import { ChaosProxy } from '@skylarkmq/testing'
import { atEnd } from './cluster.ts'

/** A proxy before `host:port`, stopped at the test's end. */
export async function proxyFor(t: TestContext, target: string): Promise<ChaosProxy> {
  const proxy = await ChaosProxy.start(target)
  atEnd(t, () => proxy.close())
  return proxy
}
