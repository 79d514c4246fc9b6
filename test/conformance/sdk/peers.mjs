/**
 * Three programs that do what they are told, one per make of client: `node-peer.mjs` with the client of this repository,
 * `../go/peer.go` and `../java/src/conformance/Peer.java` with Apache's. Each line of their input is a command in JSON with
 * an `id`, each line of their output an event with the id of its command; bodies are in Base64.
 *
 *   consume  {nameServer, group, topic, ordered?, workMs?, replies?, clientId?, directory?}   ready, then got for each message
 *   stop     {member}                                                                 stopped
 *   produce  {nameServer, topic, messages: [{body, tag?, keys?, properties?}]}        sent {statuses}
 *   request  {nameServer, topic, body}                                                replied {body}      (not Go)
 *   transact {nameServer, group, answer, topic?, body?}                               ready, checked {body}   (not Go)
 *
 * A `clientId` makes a consumer a broadcasting one, with its offsets under `directory`.
 */
import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { javaArguments } from '../apache/apache.mjs'
import { buildGo, buildJava } from '../lib/programs.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const ANSWER_MS = 40_000

const commands = {
  node: () => [process.execPath, [join(here, 'node-peer.mjs')]],
  go: () => [buildGo(), ['-peer']],
  java: (directory) => [
    'java',
    [
      '-XX:TieredStopAtLevel=1',
      ...javaArguments({
        mainClass: 'conformance.Peer',
        home: directory,
        before: buildJava(),
        properties: { 'rocketmq.client.localOffsetStoreDir': directory },
      }),
    ],
  ],
}

/** Starts the program of a make: `node`, `go` or `java`. `directory` takes what it writes. */
export function startPeer(make, directory) {
  const [program, args] = commands[make](directory)
  const env = { ...process.env, HOME: directory, ROCKETMQ_GO_LOG_LEVEL: 'fatal' }
  const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe'] })
  let errors = ''
  child.stderr.on('data', (chunk) => (errors = (errors + chunk).slice(-2000)))
  child.stdin.on('error', () => undefined)
  const killAtExit = () => child.kill('SIGKILL')
  process.once('exit', killAtExit)
  const listeners = new Map()
  let last = 0
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (!line.startsWith('{"')) return
    const event = JSON.parse(line)
    listeners.get(event.id)?.(event)
  })
  const ended = new Promise((resolve) => child.once('close', resolve))
  void ended.then(() => {
    process.off('exit', killAtExit)
    for (const [id, listener] of listeners) {
      listener({ id, event: 'failed', error: `the ${make} program ended: ${errors}` })
    }
  })

  /** Gives a command; resolves with its first event other than `got` and `checked`, which `onEvent` hears. */
  function tell(command, onEvent = () => undefined) {
    const id = ++last
    return new Promise((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`${make} has not done ${command.do} in ${ANSWER_MS} ms`)),
        ANSWER_MS,
      )
      listeners.set(id, (event) => {
        if (event.event === 'got' || event.event === 'checked') return onEvent(event)
        clearTimeout(late)
        if (event.event === 'failed') reject(new Error(`${make}: ${event.error}`))
        else resolve(event)
      })
      child.stdin.write(JSON.stringify({ id, ...command }) + '\n')
    })
  }

  return {
    make,
    tell,
    /** A consumer; resolves with what ends it. */
    async consume(command, onGot) {
      const { id } = await tell({ do: 'consume', ...command }, onGot)
      return { make, stop: () => tell({ do: 'stop', member: id }) }
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
    async end() {
      child.stdin.end()
      const late = setTimeout(() => child.kill('SIGKILL'), 5_000)
      await ended
      clearTimeout(late)
    },
  }
}
