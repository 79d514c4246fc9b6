/**
 * Apache's mqadmin against a cluster of either make: the same commands in the same order, and what
 * they print with numbers, times, ids and addresses taken out.
 */
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { javaArguments } from './apache/apache.mjs'
import { buildJava } from './lib/programs.mjs'

const topic = 'admin-topic'
const group = 'admin-group'

const replacements = [
  // A stack trace is Apache's own; what failed and why are its first lines.
  [/^\s+at .*$|^\s*\.\.\. \d+ more$/gm, ''],
  [/\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d([,.:]\d+)?/g, 'DATE'],
  [/\b\d{14,17}\b/g, 'DATE'],
  [/\d+\.\d+\.\d+\.\d+(:\d+)?(@\S+)?/g, 'ADDRESS'],
  [/\s*See https?:\/\/\S+ for further details\.?/g, ''],
  [/TPS: [\d.]+/g, 'TPS: N'],
  [/\b[0-9A-F]{32,}\b/g, 'ID'],
  [/\bV\d_\d+_\d+\S*/g, 'VERSION'],
  [/#\d{6,}/g, '#N'],
  [/\b\d{13}\b/g, 'MILLIS'],
  [/(commitLogOffset=|CommitLog Offset: *)\d+/g, '$1N'],
  [/(commitLogDiskRatio_)\S+/g, '$1PATH'],
]

function lines(text, keepNumbers) {
  let plain = text
  for (const [pattern, replacement] of replacements) plain = plain.replace(pattern, replacement)
  if (!keepNumbers) plain = plain.replace(/-?\b\d+(\.\d+)?%?/g, 'N')
  return plain
    .split('\n')
    .map((line) => line.trim().replace(/\s+/g, ' '))
    .filter((line) => line !== '')
}

/** What is compared of a command's output. */
const shapes = {
  /** Line by line, numbers included. */
  exact: (text) => lines(text, true),
  /** Line by line without numbers. */
  shape: (text) => lines(text, false),
  /** Lines without numbers, in any order. */
  sortedShape: (text) => lines(text, false).sort(),
  /** Lines in any order, without those of topics and groups that other programs made. */
  ours: (text) =>
    setOf(
      lines(text, true).filter(
        (line) => !/(^|%| )(go|java|java-rocketmq)-|NS\d%|ns\d%|_REPLY_TOPIC$/.test(line),
      ),
    ),
  /** The names of `key = value` or `key : value`. */
  keys: (text) =>
    setOf(
      lines(text, true)
        .filter((line) => /[=:]/.test(line) && !/^=|^scheduleMessageOffset/.test(line))
        .map((line) => line.split(/\s*[=:]\s*/)[0]),
    ),
}

/** An object with these names as keys: two sets are then compared name by name, not place by place. */
function setOf(names) {
  return Object.fromEntries([...new Set(names)].sort().map((name) => [name, true]))
}

/**
 * The commands in order: a name, the arguments, and what is compared. `until` repeats the command
 * until the output has what it must have, at most 20 s: statistics and offsets come late.
 */
export const adminCommands = [
  { name: 'clusterList', args: () => ['clusterList'], as: 'shape' },
  { name: 'clusterList-more', args: () => ['clusterList', '-m'], as: 'shape' },
  {
    name: 'updateTopic-broker',
    args: (c) => ['updateTopic', '-b', c.broker, '-t', topic, '-r', '4', '-w', '4'],
    as: 'exact',
  },
  {
    name: 'updateTopic-cluster',
    args: () => ['updateTopic', '-c', 'DefaultCluster', '-t', `${topic}-2`, '-o', 'true'],
    as: 'exact',
  },
  {
    name: 'updateTopic-bad',
    args: (c) => ['updateTopic', '-b', c.broker, '-t', 'a/b'],
    as: 'exact',
  },
  { name: 'topicList', args: () => ['topicList'], as: 'ours' },
  { name: 'topicRoute', args: () => ['topicRoute', '-t', topic], as: 'exact' },
  { name: 'topicRoute-list', args: () => ['topicRoute', '-l', '-t', topic], as: 'exact' },
  { name: 'topicRoute-unknown', args: () => ['topicRoute', '-t', 'nowhere'], as: 'exact' },
  { name: 'topicClusterList', args: () => ['topicClusterList', '-t', topic], as: 'exact' },
  { name: 'topicStatus-empty', args: () => ['topicStatus', '-t', topic], as: 'exact' },
  {
    name: 'sendMessage',
    args: () => [
      ...['sendMessage', '-t', topic, '-p', 'body', '-k', 'key1', '-c', 'tag'],
      ...['-b', 'broker-a', '-i', '1'],
    ],
    as: 'exact',
    keep: (context, text) => (context.messageId = /\b[0-9A-F]{32,}\b/.exec(text)?.[0] ?? 'none'),
  },
  { name: 'topicStatus', args: () => ['topicStatus', '-t', topic], as: 'exact' },
  {
    name: 'queryMsgByUniqueKey',
    args: (c) => ['queryMsgByUniqueKey', '-t', topic, '-i', c.messageId],
    as: 'exact',
    until: /Topic:/,
  },
  {
    name: 'queryMsgByOffset',
    args: () => ['queryMsgByOffset', '-t', topic, '-b', 'broker-a', '-i', '1', '-o', '0'],
    as: 'exact',
    keep: (context, text) => (context.offsetId = /OffsetID:\s*(\S+)/.exec(text)?.[1] ?? 'none'),
  },
  {
    name: 'queryMsgById',
    args: (c) => ['queryMsgById', '-t', topic, '-i', c.offsetId],
    as: 'exact',
  },
  { name: 'queryMsgByKey', args: () => ['queryMsgByKey', '-t', topic, '-k', 'key1'], as: 'exact' },
  {
    name: 'queryCq',
    args: (c) => ['queryCq', '-t', topic, '-q', '1', '-i', '0', '-c', '1', '-b', c.broker],
    as: 'shape',
  },
  {
    name: 'consumeMessage',
    args: () => ['consumeMessage', '-t', topic, '-b', 'broker-a', '-i', '1', '-o', '0', '-c', '1'],
    as: 'exact',
  },
  {
    name: 'updateSubGroup',
    args: (c) => ['updateSubGroup', '-b', c.broker, '-g', group],
    as: 'exact',
  },
  { name: 'getConsumerConfig', args: () => ['getConsumerConfig', '-g', group], as: 'exact' },
  { name: 'consume', args: (c) => ['!consume', c.nameServer, topic, group], as: 'exact' },
  {
    name: 'consumerProgress',
    args: () => ['consumerProgress', '-g', group],
    as: 'exact',
    until: /admin-topic\s+broker-a\s+1\s+1\s+1\s/,
    // The retry topic is in the list once the consumer has asked for its offset.
    keepLine: (line) => !line.startsWith('%RETRY%'),
  },
  {
    name: 'consumerProgress-all',
    args: () => ['consumerProgress'],
    as: 'exact',
    keepLine: (line) => line.startsWith(`${group} `) || line.startsWith('#'),
  },
  { name: 'consumerConnection', args: () => ['consumerConnection', '-g', group], as: 'exact' },
  {
    name: 'consumerStatus',
    args: () => ['consumerStatus', '-g', group],
    as: 'shape',
    keepLine: (line) => !line.includes('%RETRY%'),
  },
  { name: 'statsAll', args: () => ['statsAll', '-t', topic], as: 'sortedShape' },
  { name: 'brokerStatus', args: (c) => ['brokerStatus', '-b', c.broker], as: 'keys' },
  { name: 'getBrokerConfig', args: (c) => ['getBrokerConfig', '-b', c.broker], as: 'keys' },
  { name: 'getNamesrvConfig', args: () => ['getNamesrvConfig'], as: 'keys' },
  {
    name: 'updateBrokerConfig',
    args: (c) => ['updateBrokerConfig', '-b', c.broker, '-k', 'brokerPermission', '-v', '6'],
    as: 'exact',
  },
  {
    name: 'updateTopicPerm',
    args: (c) => ['updateTopicPerm', '-b', c.broker, '-t', topic, '-p', '4'],
    as: 'exact',
  },
  {
    name: 'topicRoute-readonly',
    args: () => ['topicRoute', '-t', topic],
    as: 'exact',
    until: /"perm":4/,
  },
  { name: 'wipeWritePerm', args: () => ['wipeWritePerm', '-b', 'broker-a'], as: 'shape' },
  { name: 'addWritePerm', args: () => ['addWritePerm', '-b', 'broker-a'], as: 'shape' },
  {
    name: 'updateKvConfig',
    args: () => ['updateKvConfig', '-s', 'admin-space', '-k', 'k', '-v', 'v'],
    as: 'exact',
  },
  {
    name: 'deleteKvConfig',
    args: () => ['deleteKvConfig', '-s', 'admin-space', '-k', 'k'],
    as: 'exact',
  },
  {
    name: 'updateOrderConf',
    args: () => ['updateOrderConf', '-t', topic, '-m', 'put', '-v', 'broker-a:4'],
    as: 'exact',
  },
  {
    name: 'resetOffsetByTime',
    args: () => ['resetOffsetByTime', '-g', group, '-t', topic, '-s', '1000'],
    as: 'exact',
  },
  {
    name: 'deleteSubGroup',
    args: (c) => ['deleteSubGroup', '-b', c.broker, '-g', `${group}-2`],
    as: 'exact',
  },
  {
    name: 'deleteTopic',
    args: () => ['deleteTopic', '-c', 'DefaultCluster', '-t', `${topic}-2`],
    as: 'exact',
  },
  { name: 'topicStatus-deleted', args: () => ['topicStatus', '-t', `${topic}-2`], as: 'exact' },
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
  for (let tries = 0; command.until && !command.until.test(printed) && tries < 40; tries++) {
    await pause(500)
    printed = await driver.run(full)
  }
  command.keep?.(context, printed)
  const found = shapes[command.as](printed)
  if (!Array.isArray(found)) return found
  return { lines: command.keepLine === undefined ? found : found.filter(command.keepLine) }
}

/** Runs every command against the cluster; calls `onLine` with `{ name, ok, result }` for each. */
export async function runAdminCommands(cluster, scratch, onLine) {
  const driver = startDriver(join(scratch, 'home-mqadmin'))
  const context = { nameServer: cluster.nameServer, broker: cluster.brokerAddress }
  try {
    for (const command of adminCommands) {
      onLine({ name: command.name, ok: true, result: await runCommand(driver, command, context) })
    }
  } finally {
    await driver.close()
  }
}
