/**
 * The faults of the network. `begin` begins one and `end` ends it, `lastsMs` after; one without `lastsMs` only hits
 * connections that there are. Recovery counts from the fault's end, or from its beginning where nothing is in the way after it (`from`).
 * `bounds` are ms in which each action must succeed again: what docs/guide/client.md says, and as much again for a machine with
 * other work.
 */

/** Anything that is found out at once. */
const SOON_MS = 5_000
/** An answer overdue for 1 s, the question whether somebody is there, 1 s, and a new connection: what a send of 3 s has. */
const SILENT_MS = 6_000
/** A held pull: 16 s, and 1 s for the question. */
const SILENT_PULL_MS = 20_000
/** A connection that is not answered is given up after 3 s. */
const CONNECT_MS = 8_000

const all = (ms) => ({ send: ms, consume: ms, transaction: ms })

export const faults = [
  {
    name: 'cut with FIN',
    bounds: all(SOON_MS),
    begin: ({ both }) => both.forEach((proxy) => proxy.cut('fin')),
  },
  {
    name: 'cut with RST',
    bounds: all(SOON_MS),
    isShort: true,
    begin: ({ both }) => both.forEach((proxy) => proxy.cut('rst')),
  },
  {
    name: 'RST inside a frame',
    bounds: all(SOON_MS),
    isShort: true,
    begin: ({ broker }) => broker.set({ resetsInFrame: 6 }),
    end: ({ broker }) => broker.heal(),
    lastsMs: 2_000,
    from: 'begin',
  },
  {
    name: 'stall',
    bounds: all(SOON_MS),
    begin: ({ both }) => both.forEach((proxy) => proxy.set({ isStalled: true })),
    end: ({ both }) => both.forEach((proxy) => proxy.heal()),
    lastsMs: 5_000,
  },
  {
    name: 'forgotten (half-open)',
    bounds: { send: SILENT_MS, consume: SILENT_PULL_MS, transaction: SILENT_MS },
    begin: ({ both }) => both.forEach((proxy) => proxy.forget()),
  },
  {
    name: 'connections hang',
    bounds: { send: CONNECT_MS, consume: SILENT_PULL_MS, transaction: CONNECT_MS },
    begin: ({ both }) => {
      for (const proxy of both) {
        proxy.set({ hangs: true })
        proxy.cut('rst')
      }
    },
    end: ({ both }) => both.forEach((proxy) => proxy.heal()),
    lastsMs: 4_000,
  },
  {
    name: 'no answer to SYN',
    bounds: all(CONNECT_MS),
    needs: 'silent',
    begin: ({ both, detour, silent }) => {
      detour(silent.address)
      for (const proxy of both) proxy.cut('rst')
    },
    end: ({ detour }) => detour(undefined),
    lastsMs: 4_000,
  },
  {
    name: '300 ms late',
    bounds: all(SOON_MS),
    begin: ({ both }) => both.forEach((proxy) => proxy.set({ latencyMs: 300 })),
    end: ({ both }) => both.forEach((proxy) => proxy.heal()),
    lastsMs: 4_000,
    from: 'begin',
  },
  {
    name: 'one byte at a time',
    bounds: all(SOON_MS),
    begin: ({ both }) => both.forEach((proxy) => proxy.set({ isBytewise: true })),
    end: ({ both }) => both.forEach((proxy) => proxy.heal()),
    lastsMs: 4_000,
    from: 'begin',
  },
  {
    name: 'name server away',
    bounds: all(SOON_MS),
    begin: ({ nameServer }) => nameServer.goAway(),
    end: ({ nameServer }) => nameServer.comeBack(),
    lastsMs: 4_000,
    from: 'begin',
  },
  {
    name: 'broker killed, started anew',
    bounds: { send: 10_000, consume: 10_000, transaction: 10_000 },
    isShort: true,
    begin: ({ cluster }) => process.kill(cluster.brokerPid(), 'SIGKILL'),
    end: ({ cluster }) => cluster.restartBroker({}, 'SIGKILL'),
    lastsMs: 1_000,
  },
]
