import { sendFields } from '../../conformance/lib/remoting.mjs'

/** A comment was looked for at each of the signs, up to the end: 40,000 took 1.7 s, 500,000 more than 14 s and 1.4 GiB. */
export default {
  name: 'long-expressions',
  says: 'SQL92 expressions of half a million signs, values of 30,000 digits, tags by the hundred thousand',
  options: ['enablePropertyFilter=true'],
  growMiB: 160,
  async attack(field) {
    const peer = await field.connect(field.brokerPort)
    const most = field.isShort ? 20_000 : 500_000
    const expressions = [
      `a = ${'-'.repeat(40_000)}`,
      `a = ${'-'.repeat(most)}`,
      `a = ${'-'.repeat(16_000)}`,
      `a = ${'- '.repeat(8_000)}`,
      `a = ${'1'.repeat(16_000)}`,
      `a = '${"''".repeat(8_000)}`,
      '('.repeat(16_000),
      `/*${'*'.repeat(16_000)}`,
      `a${' = 1'.repeat(4_000)}`,
    ]
    await peer.call({ code: 310, fields: sendFields('T'), body: Buffer.from('x') })
    for (const subscription of expressions) {
      await peer.call(pull({ subscription, expressionType: 'SQL92' }))
      const subscriptionData = {
        topic: 'T',
        subString: subscription,
        expressionType: 'SQL92',
        subVersion: 1,
      }
      const check = { clientId: 'c', group: 'g', subscriptionData }
      const answer = await peer.call({ code: 46, body: Buffer.from(JSON.stringify(check)) })
      field.expect(answer?.code === 23, `an expression of ${subscription.length} signs was taken`)
      await peer.call({ code: 34, body: heartbeat([subscriptionData]) })
    }
    const tags = Array.from({ length: field.isShort ? 1_000 : 100_000 }, (_, i) => `t${i}`)
    const refused = await peer.call(pull({ subscription: tags.join(' || ') }))
    field.expect(field.isShort || refused?.code === 23, 'so many tags in a pull are refused')
    const codeSet = tags.map((_, i) => i)
    const many = { topic: 'T', subString: 'many', tagsSet: tags, codeSet, subVersion: 2 }
    await peer.call({ code: 34, body: heartbeat([many]) })
    for (let i = 0; i < 50; i++) {
      await peer.call(pull({ sysFlag: '0', consumerGroup: 'g', subVersion: '2', subscription: '' }))
    }
    await costlyEvaluations(field, peer)
    peer.destroy()
  },
}

/** Expressions that are read in no time, on values that took long to be compared. */
async function costlyEvaluations(field, peer) {
  const values = [`${'1'.repeat(30_000)}x`, `1${' '.repeat(30_000)}x`, `0x${'f'.repeat(30_000)}p1`]
  for (let i = 0; i < (field.isShort ? 3 : 60); i++) {
    const properties = `a\u0001${values[i % values.length]}\u0002`
    await peer.call({ code: 310, fields: sendFields('V', 0, properties), body: Buffer.from('x') })
  }
  for (const clause of ['a > 1.5', 'a > 3000000000', "a CONTAINS 'no'", 'a = TRUE']) {
    const subscription = Array.from({ length: 400 }, () => clause).join(' OR ')
    await peer.call(pull({ topic: 'V', subscription, expressionType: 'SQL92' }))
  }
}

function pull(more) {
  const fields = {
    consumerGroup: 'g',
    topic: 'T',
    queueId: '0',
    queueOffset: '0',
    maxMsgNums: '32',
    sysFlag: '4',
    commitOffset: '0',
    suspendTimeoutMillis: '0',
    subVersion: '0',
    ...more,
  }
  return { code: 11, fields }
}

function heartbeat(subscriptionDataSet) {
  const group = {
    groupName: 'g',
    consumeType: 'CONSUME_PASSIVELY',
    messageModel: 'CLUSTERING',
    consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
    subscriptionDataSet,
  }
  return Buffer.from(JSON.stringify({ clientID: 'c', consumerDataSet: [group] }))
}
