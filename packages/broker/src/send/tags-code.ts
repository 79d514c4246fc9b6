import { Property, tagsCode } from '@skylarkmq/protocol'

/** The tag hash of properties that are decoded; 0 without a tag. */
export function tagsCodeOf(properties: ReadonlyMap<string, string>): number {
  const tags = properties.get(Property.TAGS)
  return tags === undefined ? 0 : tagsCode(tags)
}
