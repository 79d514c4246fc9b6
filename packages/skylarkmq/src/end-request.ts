/**
 * A terminal, npm and `timeout` all pass a signal on, so that one Ctrl-C arrives several times: signals within this
 * time count as one.
 */
const SAME_REQUEST_MS = 1000

/** Calls `asked` on SIGINT or SIGTERM; a second request ends the process immediately with code 1. */
export function onEndRequest(asked: () => void): void {
  let askedMs: number | undefined
  const ask = (): void => {
    if (askedMs === undefined) {
      askedMs = performance.now()
      asked()
    } else if (performance.now() - askedMs > SAME_REQUEST_MS) process.exit(1)
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, ask)
}
