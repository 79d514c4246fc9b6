/**
 * Starts Skylark with the interface that `apache/apache.mjs` has for Apache's programs, so that a run
 * does not know which make it talks to.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MissingTool, startProcess, waitUntil } from './lib/processes.mjs'
import { isRegistered } from './lib/remoting.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const command =
  process.env.SKYLARK_COMMAND ?? join(root, 'packages', 'skylarkmq', 'bin', 'skylark.js')

/** Throws `MissingTool` unless the command has been built. */
export function requireSkylark() {
  if (existsSync(command)) return
  throw new MissingTool('skylark', 'to be compared with Apache', 'Run `npm run build` first.')
}

/** Starts `skylark` with a subcommand in `dir`, and waits for its ready file. */
async function startSkylark({ dir, subcommand, args, nodeArguments = [], program = command }) {
  requireSkylark()
  mkdirSync(dir, { recursive: true })
  const readyFile = join(dir, 'ready')
  rmSync(readyFile, { force: true })
  const all = [program, subcommand, '--host', '127.0.0.1', ...args, '--ready-file', readyFile]
  const started = startProcess(process.execPath, [...nodeArguments, ...all], {
    logFile: join(dir, 'out.log'),
    env: process.env,
    cwd: dir,
  })
  const ready = () => existsSync(readyFile)
  await waitUntil(`skylark ${subcommand} ready`, ready, { watched: started, everyMs: 5 })
  return started
}

/** A broker.conf of these keys; returns the arguments that name it. */
function brokerConf(dir, settings) {
  mkdirSync(dir, { recursive: true })
  const file = join(dir, 'broker.conf')
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`)
  writeFileSync(file, lines.join(''))
  return ['--config', file]
}

/** Starts a name server alone; resolves once it listens. */
export async function startNameServer({ dir, port }) {
  const args = ['--port', String(port), '--data', join(dir, 'data')]
  const started = await startSkylark({ dir, subcommand: 'namesrv', args })
  return { ...started, port, address: `127.0.0.1:${port}` }
}

/** Starts a broker alone; resolves once the name server knows it. */
export async function startBroker({ dir, port, nameServer, settings = {} }) {
  const all = { brokerName: 'broker-a', ...settings }
  const args = ['--port', String(port), '-n', nameServer, '--data', join(dir, 'data')]
  const conf = brokerConf(dir, all)
  const started = await startSkylark({ dir, subcommand: 'broker', args: [...args, ...conf] })
  const known = () => isRegistered(nameServer, all.brokerName)
  await waitUntil(`${all.brokerName} known to ${nameServer}`, known, { watched: started })
  return { ...started, port, address: `127.0.0.1:${port}` }
}

/** One process with name server and broker, as `skylark start` has them. */
export async function startCluster({ dir, ports, settings = {}, nodeArguments, program }) {
  const [nameServerPort, brokerPort] = ports
  const start = (changed) => {
    const ports = ['--namesrv-port', String(nameServerPort), '--broker-port', String(brokerPort)]
    const conf = brokerConf(dir, { brokerName: 'broker-a', ...settings, ...changed })
    const args = [...ports, '--data', join(dir, 'data'), ...conf]
    return startSkylark({ dir, subcommand: 'start', args, nodeArguments, program })
  }
  let running = await start({})
  return {
    make: 'skylark',
    nameServer: `127.0.0.1:${nameServerPort}`,
    brokerAddress: `127.0.0.1:${brokerPort}`,
    brokerPid: () => running.pid,
    async restartBroker(changed = {}, signal = 'SIGTERM') {
      await running.stop(signal)
      running = await start(changed)
    },
    stop: () => running.stop(),
  }
}
