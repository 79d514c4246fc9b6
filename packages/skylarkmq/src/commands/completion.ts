import { AdminClient } from '@skylarkmq/client'
import { nodeEnv, silentEvents } from '@skylarkmq/env'
import { Argument, type Command } from 'commander'
import { namesrvAddrOf } from '../session.ts'
import { print } from '../terminal.ts'
import { isOwnGroup, topicKinds } from './names.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const
/** A person waits for what Tab shows. */
const ASKED_MS = 300

/** Adds `completion`, and `__complete`, which its scripts call. */
export function addCompletionCommands(program: Command): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .description('print a script that completes commands, flags, topics and groups')
    .addHelpText(
      'after',
      `
  bash   source <(skylark completion bash)
  zsh    source <(skylark completion zsh)
  fish   skylark completion fish | source`,
    )
    .action((shell: (typeof SHELLS)[number]) => {
      print(SCRIPTS[shell])
    })
  program
    .command('__complete', { hidden: true })
    .argument('[words...]', 'the words so far, the last of them unfinished')
    .allowUnknownOption()
    .helpOption(false)
    .action(async (words: string[]) => {
      for (const candidate of await candidates(program, words)) print(candidate)
    })
}

/** What may stand in place of the last word. */
async function candidates(program: Command, words: readonly string[]): Promise<string[]> {
  const last = words.at(-1) ?? ''
  const { command, given } = commandOf(program, words.slice(0, -1))
  const before = words.at(-2)
  const flag = command.options.find(({ long, short }) => before === long || before === short)
  if (flag?.required === true)
    return matching(flag.argChoices ?? (await namesFor(flag.flags)), last)
  if (last.startsWith('-')) {
    return matching(
      command.options.flatMap(({ long, hidden }) => (hidden ? [] : (long ?? []))),
      last,
    )
  }
  const below = command.commands.map((each) => each.name()).filter((name) => !name.startsWith('_'))
  if (below.length > 0 && given === 0) return matching(below, last)
  const wanted = command.registeredArguments[given]
  if (wanted === undefined) return []
  return matching(wanted.argChoices ?? (await namesFor(wanted.name())), last)
}

/** The command that words lead to, and how many arguments were given to it. */
function commandOf(
  program: Command,
  words: readonly string[],
): { command: Command; given: number } {
  let command = program
  let given = 0
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? ''
    if (word.startsWith('-')) {
      const flag = command.options.find(({ long, short }) => word === long || word === short)
      if (flag?.required === true) i++
      continue
    }
    const next = command.commands.find(
      (each) => each.name() === word || each.aliases().includes(word),
    )
    if (next === undefined) given++
    else command = next
  }
  return { command, given }
}

function matching(all: readonly string[], begin: string): string[] {
  return all.filter((each) => each.startsWith(begin)).sort()
}

/** Names of what an argument or flag is about, as the cluster has them; none when it does not answer at once. */
async function namesFor(what: string): Promise<string[]> {
  const isTopic = /topic/.test(what)
  const isGroup = /group/.test(what)
  const isBroker = /broker/.test(what)
  if (!isTopic && !isGroup && !isBroker) return []
  let admin: AdminClient | undefined
  try {
    const { NAMESRV_ADDR } = process.env
    const flags = NAMESRV_ADDR === undefined ? {} : { namesrvAddr: NAMESRV_ADDR }
    const options = {
      namesrvAddr: namesrvAddrOf(flags),
      requestTimeoutMs: ASKED_MS,
      startTimeoutMs: 0,
    }
    admin = new AdminClient(options, nodeEnv(silentEvents))
    if (isTopic) {
      const kindOf = await topicKinds(admin)
      return (await admin.topics.list()).filter((name) => kindOf(name) === 'own')
    }
    if (isBroker) return [...(await admin.brokers.clusters()).brokerAddrTable.keys()]
    const groups = await admin.groups.list()
    return groups.map(({ groupName }) => groupName).filter(isOwnGroup)
  } catch {
    // Nothing to offer: an error would stand in the middle of what is being typed.
    return []
  } finally {
    await admin?.close()
  }
}

const SCRIPTS = {
  bash: `_skylark() {
  local IFS=$'\\n'
  COMPREPLY=($(skylark __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _skylark skylark skylarkmq`,
  zsh: `_skylark() {
  local -a found
  found=("\${(@f)$(skylark __complete -- "\${words[@]:1:$((CURRENT-1))}" 2>/dev/null)}")
  compadd -a found
}
compdef _skylark skylark skylarkmq`,
  fish: `complete -c skylark -f -a '(skylark __complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
complete -c skylarkmq -w skylark`,
} as const
