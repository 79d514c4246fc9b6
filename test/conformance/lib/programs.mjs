/**
 * Builds and runs the two client programs. What they are built into lies under `.build/` in this
 * directory and is made anew when a source is younger.
 */
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { apacheClassPath, javaArguments } from '../apache/apache.mjs'
import { requireTool, runToEnd } from './processes.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const build = join(root, '.build')

/** Time of the last change to any file under a directory. */
function youngest(directory) {
  const files = readdirSync(directory, { recursive: true }).map((name) => join(directory, name))
  return Math.max(...files.map((file) => statSync(file).mtimeMs))
}

function isFresh(output, sources) {
  return existsSync(output) && statSync(output).mtimeMs > youngest(sources)
}

/** Compiles a Go module unless that has been done; returns the program's path. */
export function buildGo(module = join(root, 'go'), output = join(build, 'go-conformance')) {
  requireTool('go', ['version'], 'to build the Go client program', 'Install Go 1.20 or later.')
  if (!isFresh(output, module)) {
    mkdirSync(dirname(output), { recursive: true })
    runToEnd('go', ['build', '-o', output, '.'], { cwd: module })
  }
  return output
}

/** Compiles the Java sources unless that has been done; returns the directory of the classes. */
export function buildJava() {
  const sources = join(root, 'java', 'src', 'conformance')
  const output = join(build, 'java')
  if (!isFresh(join(output, 'conformance', 'Conformance.class'), sources)) {
    requireTool('javac', ['-version'], 'to build the Java program', 'Install a JDK of 17 or later.')
    mkdirSync(output, { recursive: true })
    const files = readdirSync(sources).map((name) => join(sources, name))
    const options = ['--release', '17', '-encoding', 'UTF-8', '-proc:none', '-nowarn', '-d', output]
    runToEnd('javac', [...options, '-cp', apacheClassPath(), ...files])
  }
  return output
}

/** Runs a program and calls `onLine` with each JSON line it prints; resolves with its end. */
function runForLines(command, args, env, limitMs, onLine) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    const killAtExit = () => child.kill('SIGKILL')
    process.once('exit', killAtExit)
    let errors = ''
    child.stderr.on('data', (chunk) => (errors = (errors + chunk).slice(-4000)))
    const lines = createInterface({ input: child.stdout })
    lines.on('line', (line) => {
      if (line.startsWith('{"')) onLine(JSON.parse(line))
    })
    const late = setTimeout(() => child.kill('SIGKILL'), limitMs)
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(late)
      process.off('exit', killAtExit)
      resolve({ code, signal, errors })
    })
  })
}

/**
 * The client programs that are run, by the first part of their topics' names: the Go client, the Java
 * client with JSON headers, and the same with headers in RocketMQ's own serialisation.
 */
export const clients = {
  go: {
    prepare: () => buildGo(),
    run: ({ nameServer, home, patterns, limitMs, onLine }) => {
      const env = { ...process.env, HOME: home, ROCKETMQ_GO_LOG_LEVEL: 'fatal' }
      const args = ['-n', nameServer, '-prefix', 'go', ...patterns]
      return runForLines(buildGo(), args, env, limitMs, onLine)
    },
  },
  java: {
    prepare: buildJava,
    run: (options) => runJava('java', 'JSON', options),
    // Shows what changes the broker for all, when nobody else is there.
    mayBeAlone: true,
  },
  'java-rocketmq': {
    prepare: buildJava,
    run: (options) => runJava('java-rocketmq', 'ROCKETMQ', options),
    // Its codes are over 32767: they do not fit into that header.
    cannot: ['pop', 'recall'],
  },
}

function runJava(prefix, serialization, { nameServer, home, patterns, limitMs, onLine }) {
  const java = javaArguments({
    mainClass: 'conformance.Conformance',
    args: [nameServer, prefix, ...patterns],
    home,
    heapMiB: 512,
    before: buildJava(),
    properties: { 'rocketmq.serialize.type': serialization },
  })
  // A compiler that does not go all the way saves half of a short run's CPU.
  return runForLines('java', ['-XX:TieredStopAtLevel=1', ...java], process.env, limitMs, onLine)
}
