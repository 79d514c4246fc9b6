import { answerFrame, startClient, startHostile, until } from '../hostile.mjs'

const NESTED = '['.repeat(5000) + ']'.repeat(5000)

/** Frames that no client had been sent ended the program that it was part of. */
export default {
  name: 'client-frames',
  says: 'a client is answered, and asked, with headers and bodies that are none',
  async attack(field) {
    const headers = (opaque) => [
      `{"code":0,"flag":1,"opaque":${opaque},"extFields":{"offset":${NESTED}}}`,
      `{"code":0,"flag":1,"opaque":${opaque},"remark":${NESTED}}`,
      `{"code":0,"flag":1,"opaque":${opaque},"language":{"toString":1,"valueOf":1}}`,
      `{"code":{},"flag":1,"opaque":${opaque}}`,
    ]
    const bodies = [
      NESTED,
      '{',
      '{"consumerIdList":7}',
      '{"brokerDatas":[{"brokerAddrs":{"0":{}}}]}',
      '\u0000',
      '{"consumerIdList":[[[1]]]}',
      'null',
      '[]',
      '""',
    ]
    let n = 0
    const bad = ({ header: { opaque } }) => {
      const all = [
        ...headers(opaque).map((text) => field.rawFrame(Buffer.from(text))),
        ...bodies.map((text) => answerFrame(opaque, { body: Buffer.from(text) })),
        answerFrame(opaque, { fields: { offset: '-9223372036854775808', nextBeginOffset: 'x' } }),
        answerFrame(opaque, { code: 17 }),
        Buffer.from('ffffffff00000000', 'hex'),
        Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
      ]
      return all[n++ % all.length]
    }
    const ask = (code, fields, body) => field.frame({ code, fields, body, flag: 0, opaque: 7 })
    const asks = [
      ...[40, 220, 221, 307, 309, 39, 326].flatMap((code) =>
        ['', '{', NESTED, '\u0000\u0001'].map((body) =>
          ask(
            code,
            { group: 'victim', consumerGroup: 'victim', topic: 'Hostile', clientId: 'x' },
            Buffer.from(body),
          ),
        ),
      ),
      ...[40, 220, 307, 309, 39].map((code) =>
        field.rawFrame(Buffer.from(`{"code":${code},"opaque":1,"remark":${NESTED}}`)),
      ),
    ]
    const seen = []
    for (const codes of [[105], [34], [38], [14], [11], [310], [105, 34, 38, 14, 11, 310]]) {
      const answers = Object.fromEntries(codes.map((code) => [code, bad]))
      const hostile = await startHostile({
        answers,
        joined: (socket) =>
          asks.forEach((frame, i) =>
            setTimeout(() => socket.writable && socket.write(frame), 20 * i),
          ),
      })
      const client = await startClient(hostile.port)
      seen.push(await until(client, ({ failed }) => failed > 20, field.isShort ? 700 : 3000))
      client.stop()
      hostile.close()
    }
    for (const each of seen)
      field.expect(each.ended === undefined, `the client lives, but ${each.ended}`)
  },
}
