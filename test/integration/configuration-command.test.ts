import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, watch, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { atEnd, folderFor } from './cluster.ts'
import { SKYLARK, skylark } from './skylark.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** Starts the command in a folder in memory, waits until clients can send, and ends it. */
async function startsAndEnds(t: TestContext, folder: string, args: string[]): Promise<void> {
  const ready = path.join(folder, `ready-${args.length}`)
  const ports = ['--namesrv-port', '0', '--broker-port', '0']
  const all = [SKYLARK, ...args, ...ports, '--ephemeral', '--ready-file', ready]
  const child = spawn(process.execPath, all, { cwd: folder, stdio: 'ignore' })
  const exit = once(child, 'exit')
  atEnd(t, () => child.kill('SIGKILL'))
  const watcher = watch(folder)
  atEnd(t, () => {
    watcher.close()
  })
  while (!existsSync(ready)) await Promise.race([once(watcher, 'change'), exit])
  child.kill('SIGTERM')
  assert.deepEqual(await exit, [0, null], args.join(' '))
}

test('every command of the guide to the configuration does what it says', async (t) => {
  for (const language of ['', '.zh-CN']) {
    const folder = folderFor(t)
    const guide = readFileSync(path.join(root, `docs/guide/configuration${language}.md`), 'utf8')
    const block = (of: string): string =>
      new RegExp(`^\`\`\`${of}\n([^]*?)^\`\`\`$`, 'm').exec(guide)?.[1] ?? ''
    writeFileSync(path.join(folder, 'broker.conf'), block('properties'))
    const commands = [...guide.matchAll(/^npx skylark (.*)$/gm)].map((found) => found[1] ?? '')
    assert.equal(commands.length, 5)
    for (const command of commands) {
      const args = command.split(' ')
      if (command.includes('--strict')) {
        const { code, stderr } = await skylark(args, { cwd: folder })
        assert.equal(code, 1)
        assert.match(stderr, /broker\.conf, line 5: flushDiskTyp: there is no such key/)
      } else if (command.startsWith('config')) {
        const { code, stdout } = await skylark(args, { cwd: folder })
        assert.equal(code, 1)
        if (!command.includes('--json')) assert.equal(stdout, block('text'))
        else assert.equal((JSON.parse(stdout) as { isSound: boolean }).isSound, false)
      } else if (language === '') await startsAndEnds(t, folder, args)
    }
  }
})

test('SKYLARK_STRICT says yes or no in the usual words, and anything else is an error', async (t) => {
  const folder = folderFor(t)
  // Of this file line 1 is refused by who is strict, and line 2 by everybody, so that no server runs.
  writeFileSync(path.join(folder, 'broker.conf'), 'flushDiskTyp=SYNC_FLUSH\nlistenPort=many\n')
  const says = async (SKYLARK_STRICT: string | undefined, ...flags: string[]): Promise<string> => {
    const args = ['start', '-c', 'broker.conf', '--ephemeral', ...flags]
    const { code, stderr } = await skylark(args, { cwd: folder, variables: { SKYLARK_STRICT } })
    assert.equal(code, 1)
    return /error (.*)/.exec(stderr)?.[1] ?? ''
  }
  for (const no of [undefined, '', '0', 'false', 'No', 'OFF']) {
    assert.match(await says(no), /line 2: listenPort/, String(no))
  }
  for (const yes of ['1', 'true', 'Yes', 'ON']) {
    assert.match(await says(yes), /line 1: flushDiskTyp/, yes)
  }
  assert.match(await says('0', '--strict'), /line 1: flushDiskTyp/)
  const other = 'environment: SKYLARK_STRICT: it must be 1, true, yes or on, or 0, false, no, off'
  for (const wrong of ['2', 'strict']) assert.ok((await says(wrong)).startsWith(other), wrong)
})
