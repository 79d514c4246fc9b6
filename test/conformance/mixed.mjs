/**
 * Clusters of both makes at once: two brokers under one name server, one of them Apache's. A Go
 * producer and a Go consumer use both; every message must arrive, and both brokers must have some.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import * as apache from './apache/apache.mjs'
import { choosePorts, scratchDirectory } from './lib/processes.mjs'
import { clients } from './lib/programs.mjs'
import * as skylark from './skylark.mjs'

/** Which make runs the name server and each broker. */
const clusters = {
  'skylark-broker-under-apache-namesrv': { nameServer: apache, brokers: [apache, skylark] },
  'apache-broker-under-skylark-namesrv': { nameServer: skylark, brokers: [skylark, apache] },
}

async function startMixed({ nameServer, brokers }, dir) {
  const ports = await choosePorts(3)
  const started = []
  const server = await nameServer.startNameServer({ dir: join(dir, 'namesrv'), port: ports[0] })
  started.push(server)
  for (const [index, make] of brokers.entries()) {
    const brokerName = index === 0 ? 'broker-a' : 'broker-b'
    const settings = { brokerName, autoCreateTopicEnable: true }
    // Without it Apache's broker registers only ten seconds after its start.
    if (make === apache) settings.skipPreOnline = true
    const broker = await make.startBroker({
      dir: join(dir, brokerName),
      port: ports[index + 1],
      nameServer: server.address,
      settings,
    })
    started.push(broker)
  }
  return {
    nameServer: server.address,
    async stop() {
      for (const process of started.reverse()) await process.stop()
    },
  }
}

async function showMixed(name) {
  const scratch = scratchDirectory(`mixed`)
  const cluster = await startMixed(clusters[name], scratch.path)
  try {
    let shown
    const home = join(scratch.path, 'home')
    mkdirSync(home)
    const end = await clients.go.run({
      nameServer: cluster.nameServer,
      home,
      patterns: ['mixed-cluster'],
      limitMs: 120_000,
      onLine: (line) => (shown = line),
    })
    if (shown === undefined) return { ok: false, error: `the client ended: ${end.errors}` }
    return shown
  } finally {
    await cluster.stop()
    scratch.remove()
  }
}

const expected = { topicOn: 2, usedBrokers: ['broker-a', 'broker-b'], lost: 0, repeated: 0 }

/** Shows each wanted mixed cluster; yields `{ name, program, same, lines }`. */
export async function* mixedBehaviours(isWanted) {
  for (const name of Object.keys(clusters).filter(isWanted)) {
    const line = await showMixed(name)
    const same = line.ok && JSON.stringify(line.result) === JSON.stringify(sorted(expected))
    const lines = same ? [] : [`    ${line.ok ? JSON.stringify(line.result) : line.error}`]
    yield { name: `mixed/${name}`, program: name, same, lines }
  }
}

function sorted(object) {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)))
}
