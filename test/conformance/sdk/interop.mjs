/**
 * What the clients of three makes do together on one cluster: each check is a function that throws when something is
 * not as it should be. Those whose make of client is not there are left out.
 */
import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { startPeer } from './peers.mjs'

const LIMIT_MS = 40_000
/** What should not come has so long to come. */
const GRACE_MS = 300
const base64 = (text) => Buffer.from(text).toString('base64')
const textOf = (event) => Buffer.from(event.body, 'base64').toString()

async function until(what, check, limitMs = LIMIT_MS) {
  const deadline = performance.now() + limitMs
  for (;;) {
    const answer = check()
    if (answer) return answer
    if (performance.now() > deadline) throw new Error(`${what()}: not in ${limitMs} ms`)
    await pause(20)
  }
}

/** Messages that members of a group took, by body. */
class Taken {
  all = []
  take(make) {
    return (event) => this.all.push({ make, text: textOf(event), ...event })
  }

  count(texts) {
    const wanted = new Set(texts)
    return this.all.filter(({ text }) => wanted.has(text))
  }

  async each(texts, limitMs) {
    const missing = () => texts.filter((text) => !this.all.some((each) => each.text === text))
    await until(
      () =>
        `${missing().length} of ${texts.length} are missing: ${missing().slice(0, 5).join(' ')}`,
      () => missing().length === 0,
      limitMs,
    )
  }
}

/** Sends a number of texts to each queue of a topic; returns them. */
async function sendToQueues({ node, nameServer }, topic, queues, round, perQueue) {
  const messages = []
  for (let n = 0; n < perQueue; n++) {
    for (let queueId = 0; queueId < queues; queueId++) {
      const body = base64(`${round}/${queueId}/${n}`)
      messages.push({ body, queue: { topic, brokerName: 'broker-a', queueId } })
    }
  }
  await node.tell({ do: 'produce', nameServer, topic, messages })
  return messages.map((each) => textOf(each))
}

/** Sends a message to each queue, again and again, until the members share the queues in these numbers. */
async function untilShared(on, topic, queues, taken, shares) {
  const wanted = [...shares].sort().join()
  let seen = ''
  const deadline = performance.now() + LIMIT_MS
  for (let round = 0; performance.now() < deadline; round++) {
    const texts = await sendToQueues(on, topic, queues, `probe-${wanted}-${round}`, 1)
    await taken.each(texts)
    const owners = texts.map((text) => taken.all.find((each) => each.text === text).make)
    const counts = [...new Set(owners)].map((make) => owners.filter((each) => each === make).length)
    seen = counts.sort().join()
    if (seen === wanted) return
    await pause(100)
  }
  throw new Error(`the queues are shared as ${seen}, not ${wanted}`)
}

/** A round while nothing changes: each message once, and each queue by one member. */
async function stableRound(on, topic, queues, taken, round) {
  const texts = await sendToQueues(on, topic, queues, round, 10)
  await taken.each(texts)
  await pause(GRACE_MS)
  const all = taken.count(texts)
  assert.equal(all.length, texts.length, `${round}: each message is taken once`)
  for (let queueId = 0; queueId < queues; queueId++) {
    const owners = new Set(all.filter((each) => each.queueId === queueId).map(({ make }) => make))
    assert.equal(owners.size, 1, `${round}: the queue ${queueId} is read by ${[...owners].join()}`)
  }
}

async function groupOfThree(on) {
  const { topic, group, nameServer, go, node, java } = on
  await on.createTopic(topic, 8)
  const taken = new Taken()
  const join = (peer) => peer.consume({ nameServer, group, topic }, taken.take(peer.make))
  const members = await Promise.all([join(node), join(go)])
  await untilShared(on, topic, 8, taken, [4, 4])
  await stableRound(on, topic, 8, taken, 'two')
  members.push(await join(java))
  await untilShared(on, topic, 8, taken, [3, 3, 2])
  await stableRound(on, topic, 8, taken, 'three')
  await members[1].stop()
  const left = await sendToQueues(on, topic, 8, 'left', 5)
  await taken.each(left)
  await untilShared(on, topic, 8, taken, [4, 4])
  await stableRound(on, topic, 8, taken, 'after')
  await Promise.all([members[0].stop(), members[2].stop()])
}

/** What is sent with each make: odd bodies, one long enough to be compressed, and names outside of ASCII. */
const contents = [
  { body: base64('plain'), tag: 'a', keys: 'k1 k2', properties: { own1: 'one', own2: 'zwei äöü' } },
  { body: Buffer.from([0, 1, 2, 254, 255]).toString('base64') },
  { body: base64('订单 '.repeat(3000)), tag: '标签', keys: '键', properties: { own3: '值=1;2' } },
  {
    body: Buffer.from(
      Array.from({ length: 6000 }, (_, i) => (i * 7919 + ((i * i) % 251)) % 256),
    ).toString('base64'),
  },
  { body: base64('x'.repeat(200_000)), tag: 'b', keys: 'k3' },
]

async function contentsOfAll(on) {
  const { topic, group, nameServer, go, node, java } = on
  await on.createTopic(topic, 4)
  const makes = [node, go, java]
  for (const peer of makes) {
    const { statuses } = await peer.tell({ do: 'produce', nameServer, topic, messages: contents })
    assert.deepEqual(new Set(statuses), new Set(['SEND_OK']), `sent by ${peer.make}`)
  }
  const one = ({ body, tag, keys, properties }) =>
    JSON.stringify([body, tag ?? '', keys ?? '', Object.entries(properties ?? {}).sort()])
  const sent = [...contents, ...contents, ...contents].map(one).sort()
  await Promise.all(
    makes.map(async (peer) => {
      const got = []
      const own = { nameServer, topic, group: `${group}-${peer.make}` }
      const member = await peer.consume(own, (event) => got.push(one(event)))
      await until(
        () => `${peer.make} has ${got.length}`,
        () => got.length >= sent.length,
      )
      await member.stop()
      const isSame = JSON.stringify(got.sort()) === JSON.stringify(sent)
      assert.ok(isSame, `${peer.make} sees other bodies, tags, keys or properties than were sent`)
    }),
  )
}

/**
 * Members of three makes in order, which join and leave while messages come. The Go client gives no queue up to others,
 * but for a minute after its end: it only takes here.
 */
async function orderOfThree(on) {
  const { topic, group, nameServer, go, node, java } = on
  await on.createTopic(topic, 4)
  const taken = new Taken()
  const join = (peer) =>
    peer.consume({ nameServer, group, topic, ordered: true, workMs: 3 }, taken.take(peer.make))
  const members = [await join(java)]
  const changes = {
    6: async () => members.push(await join(node)),
    18: async () => members.push(await join(go)),
    30: () => members[0].stop(),
    38: () => members[1].stop(),
  }
  const texts = []
  for (let round = 0; round < 46; round++) {
    texts.push(...(await sendToQueues(on, topic, 4, `round-${round}`, 3)))
    await changes[round]?.()
    await pause(60)
  }
  await taken.each(texts)
  await untilShared(on, topic, 4, taken, [4])
  await members[2].stop()
  for (let queueId = 0; queueId < 4; queueId++) inOrder(queueId, taken, texts)
  const makes = new Set(taken.all.map(({ make }) => make))
  assert.equal(makes.size, 3, `only ${[...makes].join()} took messages`)
}

function inOrder(queueId, taken, texts) {
  const rank = new Map(texts.map((text, index) => [text, index]))
  const all = taken.all.filter((each) => each.queueId === queueId && rank.has(each.text))
  all.sort((one, other) => one.begin - other.begin || one.end - other.end)
  const seen = new Set()
  let last = -1
  let before
  for (const each of all) {
    if (before !== undefined && before.make !== each.make) {
      const handover = `queue ${queueId}: ${before.make} to ${each.make}`
      assert.ok(each.begin >= before.end, `${handover}: both at once`)
    }
    before = each
    if (seen.has(each.text)) continue
    seen.add(each.text)
    assert.ok(rank.get(each.text) > last, `queue ${queueId}: ${each.text} came too late`)
    last = rank.get(each.text)
  }
}

async function requestsBothWays(on) {
  const { topic, group, nameServer, node, java } = on
  for (const [asks, answers] of [
    [node, java],
    [java, node],
  ]) {
    const own = `${topic}-${asks.make}`
    await on.createTopic(own, 1)
    const question = { nameServer, topic: own, group: `${group}-${asks.make}` }
    const taken = new Taken()
    const answering = { ...question, replies: true }
    const member = await answers.consume(answering, taken.take(answers.make))
    await taken.each(await sendToQueues(on, own, 1, 'warm', 1))
    for (const text of ['one', '二']) {
      const answer = await asks.tell({ do: 'request', ...question, body: base64(text) })
      assert.equal(textOf(answer), `${answers.make}: ${text}`)
    }
    await member.stop()
  }
}

/** A broadcasting member goes on where one of another make was, by the file that it left. */
async function broadcastOffsets(on) {
  const { topic, group, nameServer, node, java, directory } = on
  await on.createTopic(topic, 2)
  const cast = { nameServer, topic, group, clientId: '127.0.0.1@cast', directory }
  for (const peer of [java, node, java]) {
    const turn = `turn-${peer.make}-${performance.now()}`
    const texts = await sendToQueues(on, topic, 2, turn, 3)
    const taken = new Taken()
    const member = await peer.consume(cast, taken.take(peer.make))
    await taken.each(texts)
    await pause(GRACE_MS)
    await member.stop()
    assert.deepEqual(taken.all.map(({ text }) => text).sort(), [...texts].sort(), turn)
  }
}

/** The first member of a producer group leaves a half message open and is killed; the other one is asked. */
const checkedBack = (first, second) => async (on) => {
  const { topic, group, nameServer } = on
  await on.createTopic(topic, 1)
  const killed = startPeer(first, on.directory)
  let asked = 0
  const other = { do: 'transact', nameServer, group, topic, answer: 'commit' }
  await on[second].tell(other, () => asked++)
  const body = base64(`half of ${first}`)
  await killed.tell({ do: 'transact', nameServer, group, topic, answer: 'unknown', body })
  await killed.kill()
  const taken = new Taken()
  const reading = { nameServer, topic, group: `${group}-readers` }
  const member = await on.node.consume(reading, taken.take('node'))
  await taken.each([`half of ${first}`])
  assert.ok(asked > 0, `${second} was asked`)
  await member.stop()
}

/** Name, makes of clients, check. */
export const interopChecks = [
  ['order-of-three', ['node', 'go', 'java'], orderOfThree],
  ['group-of-three', ['node', 'go', 'java'], groupOfThree],
  ['transaction-node-node', ['node'], checkedBack('node', 'node')],
  ['transaction-node-java', ['node', 'java'], checkedBack('node', 'java')],
  ['transaction-java-node', ['node', 'java'], checkedBack('java', 'node')],
  ['contents', ['node', 'go', 'java'], contentsOfAll],
  ['request-reply', ['node', 'java'], requestsBothWays],
  ['broadcast-offsets', ['node', 'java'], broadcastOffsets],
]
