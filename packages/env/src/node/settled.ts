/** Resolves when no promise is left to settle: a real turn of the event loop runs all microtasks. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
