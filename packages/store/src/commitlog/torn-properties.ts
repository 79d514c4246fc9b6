import { NAME_VALUE_SEPARATOR, PROPERTY_SEPARATOR, Property } from '@skylarkmq/protocol'

/** Smallest unit that a disk writes atomically. */
const SECTOR_BYTES = 512
// No property value has so many consecutive zeros.
const RUN_OF_A_HOLE_BYTES = 64

const systemNames: ReadonlySet<string> = new Set(Object.values(Property))

/**
 * Whether a part of the properties in `buffer[start, end)` never reached the disk although later bytes did. No
 * checksum covers properties, but such a hole consists of zeros and ends at a sector boundary; `physicalStart` is the
 * log offset of `start`. Zeros inside one value of a user's property are taken for data.
 *
 *     UNIQ_KEY 01 7F00… 02 REA 00 00 00 00 00 00 00 00 00 | FSET 01 205 02
 *                                                          end of a sector
 */
export function hasHole(
  buffer: Buffer,
  start: number,
  end: number,
  physicalStart: number,
): boolean {
  const first = start + SECTOR_BYTES - (physicalStart % SECTOR_BYTES)
  for (let boundary = first; boundary < end; boundary += SECTOR_BYTES) {
    if (buffer[boundary - 1] === 0 && isHole(buffer, start, end, boundary)) return true
  }
  return false
}

function isHole(buffer: Buffer, start: number, end: number, boundary: number): boolean {
  let run = boundary - 1
  while (run > start && buffer[run - 1] === 0) run--
  if (run === start || boundary - run >= RUN_OF_A_HOLE_BYTES) return true
  const property = buffer.subarray(
    Math.max(start, buffer.lastIndexOf(PROPERTY_SEPARATOR, run - 1) + 1),
    endOf(buffer, boundary, end),
  )
  const nameEnd = property.indexOf(NAME_VALUE_SEPARATOR)
  if (nameEnd < 0 || property.indexOf(NAME_VALUE_SEPARATOR, nameEnd + 1) >= 0) return true
  const name = property.toString('latin1', 0, nameEnd)
  return name.includes('\0') || systemNames.has(name)
}

function endOf(buffer: Buffer, from: number, end: number): number {
  const found = buffer.indexOf(PROPERTY_SEPARATOR, from)
  return found < 0 || found > end ? end : found
}
