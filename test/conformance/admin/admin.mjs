/**
 * Apache's mqadmin against a cluster of either make: the same commands in the same order, and what
 * they print with numbers, times, ids and addresses taken out.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { javaArguments } from '../apache/apache.mjs'
import { buildJava } from '../lib/programs.mjs'
import { groupCommands } from './group-commands.mjs'
import { messageCommands } from './message-commands.mjs'
import { settingCommands, unservedCommands } from './setting-commands.mjs'
import { shapes } from './shapes.mjs'
import { lastTopicCommands, topicCommands } from './topic-commands.mjs'

/**
 * The commands in order: a name, whose first word is the command's own, the arguments, and what is compared. `until`
 * repeats the command until the output has what it must have, at most 20 s: statistics and offsets
 * come late. With `file` it is what `pick` takes of that file.
 */
export const adminCommands = [
  ...topicCommands,
  ...messageCommands,
  ...groupCommands,
  ...settingCommands,
  ...unservedCommands,
  ...lastTopicCommands,
]

/** Starts the driver; `run` resolves with what a command printed. */
function startDriver(home) {
  mkdirSync(home, { recursive: true })
  const java = javaArguments({ mainClass: 'conformance.AdminDriver', home, before: buildJava() })
  const child = spawn('java', ['-XX:TieredStopAtLevel=1', ...java], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // Some commands write files where they stand.
    cwd: home,
  })
  let errors = ''
  child.stderr.on('data', (chunk) => (errors = (errors + chunk).slice(-2000)))
  const waiting = []
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('{"output"')) waiting.shift()?.resolve(JSON.parse(line).output)
  })
  const ended = new Promise((resolve) => child.once('close', resolve))
  void ended.then(() => {
    for (const { reject } of waiting) reject(new Error(`the admin driver ended: ${errors}`))
  })
  return {
    run: (args) =>
      new Promise((resolve, reject) => {
        waiting.push({ resolve, reject })
        child.stdin.write(JSON.stringify(args) + '\n')
      }),
    async close() {
      child.stdin.end()
      const late = setTimeout(() => child.kill('SIGKILL'), 10_000)
      await ended
      clearTimeout(late)
    },
  }
}

async function runCommand(driver, command, context) {
  const args = command.args(context)
  const [first, ...rest] = args
  const full = first.startsWith('!') ? args : [first, '-n', context.nameServer, ...rest]
  let printed = await driver.run(full)
  const deadline = performance.now() + 20_000
  while (command.until && !command.until.test(printed) && performance.now() < deadline) {
    await pause(500)
    printed = await driver.run(full)
  }
  command.keep?.(context, printed)
  if (command.file !== undefined) {
    const picked = command.pick(JSON.parse(readFileSync(command.file(context), 'utf8')))
    return { lines: shapes.exact(printed.replaceAll(context.home, 'FOLDER')), picked }
  }
  const found = shapes[command.as](printed)
  const { keepLine, keepName } = command
  if (Array.isArray(found)) return { lines: keepLine ? found.filter(keepLine) : found }
  return keepName
    ? Object.fromEntries(Object.entries(found).filter(([name]) => keepName(name)))
    : found
}

/** Runs every command against the cluster; calls `onLine` with `{ name, ok, result }` for each. */
export async function runAdminCommands(cluster, scratch, onLine) {
  const home = join(scratch, 'home-mqadmin')
  const driver = startDriver(home)
  const context = {
    nameServer: cluster.nameServer,
    broker: cluster.brokerAddress,
    home,
    /** Writes a file that a command reads; returns its path. */
    file(name, text) {
      writeFileSync(join(home, name), text)
      return join(home, name)
    },
  }
  try {
    for (const command of adminCommands) {
      onLine({ name: command.name, ok: true, result: await runCommand(driver, command, context) })
    }
  } finally {
    await driver.close()
  }
}
