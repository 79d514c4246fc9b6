import assert from 'node:assert/strict'
import { Stage } from './system/stage.ts'

/** What machines need to find each other after the start, virtual ms. */
const SETTLING_MS = 5000

/** One step of a script: what is done, and what happened when it was written down last. */
interface Step {
  readonly command: string
  readonly expected: readonly string[]
}

/** A script: what its first lines say, and its steps. */
export interface Script {
  readonly why: readonly string[]
  readonly steps: readonly Step[]
}

/** Reads a script: lines with `#`, then steps: a command, `----`, what happens, and an empty line. */
export function readScript(text: string): Script {
  const lines = text.split('\n')
  const why = lines.filter((line) => line.startsWith('#'))
  const blocks = lines
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .split(/\n{2,}/)
    .map((block) => block.trim())
    .filter((block) => block !== '')
  const steps = blocks.map((block) => {
    const [command = '', line, ...expected] = block.split('\n')
    assert.equal(line, '----', `${command} is followed by ----`)
    return { command, expected }
  })
  return { why, steps }
}

/** A script as text. */
export function scriptText({ why, steps }: Script): string {
  const blocks = steps.map(({ command, expected }) => [command, '----', ...expected].join('\n'))
  return `${[why.join('\n'), ...blocks].join('\n\n')}\n`
}

/** Does what a script says, and returns it with what happens now. */
export async function playScript({ why, steps }: Script): Promise<Script> {
  let stage: Stage | undefined
  const played: Step[] = []
  for (const { command } of steps) {
    const [verb = '', ...words] = command.split(' ')
    if (verb === 'system') {
      stage = new Stage(Number(optionsOf(words)['seed'] ?? 1))
      await stage.pass(SETTLING_MS)
      played.push({ command, expected: ['ok'] })
      continue
    }
    assert.ok(stage !== undefined, 'a script begins with: system')
    stage.begin()
    await doStep(stage, verb, words)
    played.push({ command, expected: stage.said.length === 0 ? ['ok'] : [...stage.said] })
  }
  return { why, steps: played }
}

/** `name=value` and words by themselves. */
function optionsOf(words: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf('=')
      return at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)]
    }),
  )
}

async function doStep(stage: Stage, verb: string, words: readonly string[]): Promise<void> {
  const [first = '', second = '', ...more] = words
  const options = optionsOf(words)
  switch (verb) {
    case 'topic':
      await stage.topic(first, Number(options['queues'] ?? 1))
      await stage.pass(1000)
      return
    case 'send':
      await stage.send(first, second.split(','), options['key'])
      return
    case 'consumer':
      stage.consumer(first, {
        group: options['group'] ?? 'group',
        topic: options['topic'] ?? '',
        ordered: options['ordered'] !== undefined,
        handlerMs: Number(options['handler'] ?? 0),
      })
      return
    case 'run':
      assert.match(first, /^\d+s$/)
      await stage.pass(parseInt(first, 10) * 1000)
      return
    case 'owners':
      stage.owners(first)
      return
    default:
      breakOrMend(
        stage,
        verb,
        [first, second, ...more].filter((word) => word !== ''),
      )
  }
}

function breakOrMend(stage: Stage, verb: string, words: readonly string[]): void {
  const { net } = stage
  const [one, other] = words
  const addressOf = (name: string | undefined): string => stage.machine(name).address
  switch (verb) {
    case 'kill':
      for (const name of words) stage.machine(name).die('kill', true)
      return
    case 'unplug':
      for (const name of words) stage.machine(name).die('power', true)
      return
    case 'stop':
      for (const name of words) void stage.machine(name).stop(true)
      return
    case 'start':
      for (const name of words) stage.machine(name).start()
      return
    case 'cut':
      net.cut(addressOf(one), addressOf(other))
      return
    case 'forget':
      net.forget(addressOf(one), addressOf(other))
      return
    case 'heal':
      net.healAll()
      return
    default:
      assert.fail(`no step is called ${verb}`)
  }
}
