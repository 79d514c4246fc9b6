/** How bad a finding is. */
export type Level = 'ok' | 'warning' | 'problem'

/** All levels. */
export const LEVELS: readonly Level[] = ['ok', 'warning', 'problem']

/** One thing that was looked at. */
export interface Finding {
  readonly level: Level
  /** What was looked at, for programs: it never changes its name. */
  readonly check: string
  /** What was found, and where. */
  readonly says: string
  /** What to do about it. */
  readonly remedy?: string | undefined
}

/** A finding without anything to do. */
export function good(check: string, says: string): Finding {
  return { level: 'ok', check, says }
}

/** A finding that keeps clients from working. */
export function bad(check: string, says: string, remedy: string): Finding {
  return { level: 'problem', check, says, remedy }
}

/** A finding that will, or that loses something. */
export function warn(check: string, says: string, remedy: string): Finding {
  return { level: 'warning', check, says, remedy }
}
