/** Frames as an attacker makes them: of valid requests, and of any bytes at all. */

const HEAD_BYTES = 8

/** A frame of a request; `serialization` 1 makes its header binary. `fields` are text by wire name. */
export function frame({
  code,
  fields,
  body = Buffer.alloc(0),
  flag = 0,
  opaque = 0,
  version = 493,
  language = 'JAVA',
  remark,
  serialization = 0,
}) {
  const header =
    serialization === 1
      ? binaryHeader({ code, fields, flag, opaque, version, remark })
      : Buffer.from(
          JSON.stringify({ code, language, version, opaque, flag, remark, extFields: fields }),
        )
  return rawFrame(header, body, serialization)
}

/** A frame of these bytes for a header, whatever they are. */
export function rawFrame(header, body = Buffer.alloc(0), serialization = 0) {
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeInt32BE(4 + header.length + body.length, 0)
  head.writeUInt32BE(((serialization << 24) | header.length) >>> 0, 4)
  return Buffer.concat([head, header, body])
}

function binaryHeader({ code, fields = {}, flag, opaque, version, remark = '' }) {
  const head = Buffer.alloc(13)
  head.writeInt16BE(code, 0)
  head.writeInt16BE(version, 3)
  head.writeInt32BE(opaque, 5)
  head.writeInt32BE(flag, 9)
  const pairs = Object.entries(fields).flatMap(([name, value]) => [sized(name, 2), sized(value, 4)])
  const all = Buffer.concat(pairs)
  return Buffer.concat([head, sized(remark, 4), int32(all.length), all])
}

function sized(text, lengthBytes) {
  const bytes = Buffer.from(text)
  const head = Buffer.alloc(lengthBytes)
  head.writeUIntBE(bytes.length, 0, lengthBytes)
  return Buffer.concat([head, bytes])
}

function int32(value) {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
