/** Longest topic or group that a request may name; the broker makes shorter ones only. */
export const RESOURCE_LENGTH_MAX = 512
/** Longest name of a client, a broker, a cluster, or an address, that a request may give. */
export const LABEL_LENGTH_MAX = 1024

/** How many characters of a name an error message shows. */
const SHOWN_LENGTH = 60

/** True for a character that moves a cursor, ends a line or ends a text: C0, DEL and C1. */
function isControl(c: number): boolean {
  return c < 0x20 || (c >= 0x7f && c <= 0x9f)
}

/**
 * The text with control characters escaped, so that printing it is safe. Line ends stay: some of Apache's remarks
 * have two lines.
 */
export function withoutControls(text: string): string {
  return text.replace(/[\0-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]/g, (c) => {
    return `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** The name as an error message may show it: quoted, shortened, and without control characters. */
export function quotedName(name: string): string {
  const shown = name.length > SHOWN_LENGTH ? `${name.slice(0, SHOWN_LENGTH)}…` : name
  return withoutControls(JSON.stringify(shown))
}

/**
 * What makes a label unsafe (a client id, the name of a broker or of a cluster, a key); undefined when it is safe.
 * Any letters, blanks and punctuation are allowed; control characters and overlong names are not.
 */
export function labelProblem(label: string): string | undefined {
  if (label.length > LABEL_LENGTH_MAX) return `has more than ${LABEL_LENGTH_MAX} characters`
  for (let i = 0; i < label.length; i++) {
    if (isControl(label.charCodeAt(i))) return 'has a control character'
  }
  return undefined
}

/**
 * What makes the name of a topic or a group unsafe; undefined when it is safe. Such a name may become a directory or
 * part of a path, so path separators and the special directory names are unsafe. Whether a topic or group of that
 * name may be created is a stricter question: see `topicProblem` and `groupProblem`.
 */
export function resourceProblem(name: string): string | undefined {
  if (name.length > RESOURCE_LENGTH_MAX) return `has more than ${RESOURCE_LENGTH_MAX} characters`
  if (name === '.' || name === '..') return 'is the name of a folder'
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i)
    if (c === 0x2f || c === 0x5c) return 'has a path separator'
    if (isControl(c)) return 'has a control character'
  }
  return undefined
}

/** What makes an address unsafe; undefined when it is safe: control characters and blanks, which no `host:port` has. */
export function addressProblem(address: string): string | undefined {
  return /\s/.test(address) ? 'has a blank' : labelProblem(address)
}
