import type { Command } from 'commander'
import { addConsumeCommand } from './consume.ts'
import { addSendCommand } from './send.ts'

/** Adds `send` and `consume`. */
export function addFirstMinuteCommands(program: Command): void {
  addSendCommand(program)
  addConsumeCommand(program)
}
