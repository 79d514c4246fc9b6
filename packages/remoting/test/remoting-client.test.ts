import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeEnv, silentEvents } from '@skylarkmq/env'
import { HeartBeat } from '@skylarkmq/protocol'
import { ConnectFailed } from '../src/errors.ts'
import { RemotingClient } from '../src/remoting-client.ts'
import { FakeSocket } from './support/fake-socket.ts'
import { testEnv } from './support/test-env.ts'

const REQUEST = { code: HeartBeat.code, name: HeartBeat.name }
const NO_HANDLER = { dispatch: (): void => undefined }

/** A client whose connections are fake sockets. */
function clientOfFakes() {
  const sockets: FakeSocket[] = []
  const env = testEnv()
  const net = {
    ...env.net,
    connect: () => {
      const socket = new FakeSocket()
      sockets.push(socket)
      return Promise.resolve(socket)
    },
  }
  const client = new RemotingClient({ ...env, net }, { handler: NO_HANDLER })
  return {
    client,
    sockets,
    endTurn: () => {
      env.endTurn()
    },
  }
}

test('requests to one address share a connection, made when first needed', async () => {
  const { client, sockets } = clientOfFakes()
  await Promise.all([client.oneway('h:1', REQUEST), client.oneway('h:1', REQUEST)])
  await client.oneway('h:1', REQUEST)
  assert.equal(sockets.length, 1)
  await client.oneway('h:2', REQUEST)
  assert.equal(sockets.length, 2)
})

test('after a connection ended the next request makes another', async () => {
  const { client, sockets } = clientOfFakes()
  await client.oneway('h:1', REQUEST)
  sockets[0]?.ends()
  await client.oneway('h:1', REQUEST)
  assert.equal(sockets.length, 2)
})

test('the late end of a connection that was replaced leaves its successor in use', async () => {
  const { client, sockets, endTurn } = clientOfFakes()
  await client.oneway('h:1', REQUEST)
  client.disconnect('h:1')
  await client.oneway('h:1', REQUEST)
  await new Promise((resolve) => setImmediate(resolve))
  endTurn()
  assert.ok(sockets[0]?.isEnded)
  sockets[0].ends()
  await client.oneway('h:1', REQUEST)
  assert.equal(sockets.length, 2)
})

test('an invalid address, one without a listener, and a closed client are errors with a reason', async () => {
  const client = new RemotingClient(nodeEnv(silentEvents), { handler: NO_HANDLER })
  for (const wrong of ['', 'host', ':1', 'host:0', 'host:99999', 'host:x']) {
    await assert.rejects(client.oneway(wrong, REQUEST), ConnectFailed, wrong)
  }
  await assert.rejects(
    client.request('127.0.0.1:1', REQUEST, 1_000),
    (error) => error instanceof ConnectFailed && /ECONNREFUSED/.test(error.message),
  )
  client.close()
  await assert.rejects(client.oneway('127.0.0.1:1', REQUEST), /this client is closed/)
})
