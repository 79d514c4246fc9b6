/**
 * A terminal, npm and `timeout` all pass a signal on, so one Ctrl-C arrives several times: within this time it is the same
 * request.
 */
const SAME_REQUEST_MS = 1000

/** Calls `asked` once the process is asked to end by SIGINT or SIGTERM; asked once more, it ends at once with code 1. */
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
