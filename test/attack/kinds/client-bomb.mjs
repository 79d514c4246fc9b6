import { deflateSync } from 'node:zlib'
import { pulled, records, startClient, startHostile, until } from '../hostile.mjs'

const ZLIB = 0x301
const MIB = 2 ** 20

/** A pull restored all its bodies at once, up to 128 MiB each: 24 s and 3.4 GiB. */
export default {
  name: 'client-bomb',
  says: 'a client gets 32 messages of some kB that become 100 MiB each, 32 that become 16 MiB, and a small one',
  async attack(field) {
    const bodies = [
      ...Array.from({ length: 32 }, () =>
        deflateSync(Buffer.alloc((field.isShort ? 20 : 100) * MIB)),
      ),
      ...Array.from({ length: field.isShort ? 4 : 32 }, () => deflateSync(Buffer.alloc(16 * MIB))),
      deflateSync(Buffer.from('small')),
    ]
    const all = records('Hostile', bodies, ZLIB)
    const failed = new Set()
    const hostile = await startHostile({
      answers: {
        11: ({ header }) =>
          header.extFields.queueOffset === '0' && header.extFields.topic === 'Hostile'
            ? pulled(header, 0, all, bodies.length)
            : undefined,
        36: ({ header }) => {
          failed.add(header.extFields.offset)
          return {}
        },
      },
    })
    const client = await startClient(hostile.port)
    const want = bodies.length - 32
    const seen = await until(
      client,
      ({ consumed }) => consumed >= want && failed.size >= 32,
      30_000,
    )
    field.expect(seen.ended === undefined, `the client lives, but ${seen.ended}`)
    field.expect(seen.consumed === want, `${want} messages are consumed, not ${seen.consumed}`)
    field.expect(failed.size === 32, `32 messages are given back, not ${failed.size}`)
    field.expect(seen.peakMiB < 320, `the client grew by ${seen.peakMiB} MiB`)
    field.expect(
      field.isShort || seen.longestMs < 600,
      `the client stood still for ${seen.longestMs} ms`,
    )
    client.stop()
    hostile.close()
  },
}
