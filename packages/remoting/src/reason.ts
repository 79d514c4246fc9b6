/** What was thrown, and where, in one line. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return (error.stack ?? error.message).replace(/\n\s*at /g, ' ← ')
}
