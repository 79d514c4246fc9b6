import { type Shape, jsonBody, number, object } from './shape.ts'

/** The version of a table; a slave and a name server see by it whether they have it. Apache: `DataVersion.java`. */
export interface DataVersion {
  readonly stateVersion: number
  /** ms */
  readonly timestamp: number
  readonly counter: number
}

/** How a DataVersion is read from JSON. */
export const dataVersion: Shape<DataVersion> = object<DataVersion>({
  stateVersion: number,
  timestamp: number,
  counter: number,
})

/** DataVersion as a body of its own: QUERY_DATA_VERSION. */
export const dataVersionBody = jsonBody('DataVersion', dataVersion)

/** True when all three parts are the same. */
export function isSameVersion(a: DataVersion, b: DataVersion): boolean {
  return a.stateVersion === b.stateVersion && a.timestamp === b.timestamp && a.counter === b.counter
}
