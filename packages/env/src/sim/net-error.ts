/** An error of a network, with the `code` that the host gives it. */
export function netError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
