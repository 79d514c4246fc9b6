import { SkylarkError } from '@skylarkmq/protocol'

/** A flag or an argument that cannot be, as far as only the command itself can tell. */
export class UsageError extends SkylarkError<object> {
  constructor(says: string, does: string) {
    super('CLI_USAGE', says, does, {})
  }
}

/** What a command was asked for is not there. */
export class NotFoundError extends SkylarkError<object> {
  constructor(says: string, does: string) {
    super('CLI_NOT_FOUND', says, does, {})
  }
}
