/** Everything that may be thrown and that no program expects, by what it is; made anew each time. */
export const ODD_THROWS: Readonly<Record<string, () => unknown>> = {
  'an object without a prototype': () => Object.create(null) as unknown,
  'a toString that throws': () => ({
    toString: () => {
      throw new Error('no text')
    },
  }),
  'a toString that gives an object': () => ({ toString: () => ({}) }),
  'a message that throws': () =>
    Object.defineProperty(new Error('x'), 'message', {
      get: () => {
        throw new Error('no message')
      },
    }),
  'a stack that throws': () =>
    Object.defineProperty(new Error('x'), 'stack', {
      get: () => {
        throw new Error('no stack')
      },
    }),
  'a name that throws': () =>
    Object.defineProperty(new Error('x'), 'name', {
      get: () => {
        throw new Error('no name')
      },
    }),
  'a message that is no text': () => Object.assign(new Error('x'), { message: Symbol('m') }),
  'a Proxy that throws whatever is asked': () => new Proxy({}, every(thrown)),
  'a Proxy of an Error that throws whatever is asked': () =>
    new Proxy(new Error('x'), every(thrown)),
  'a revoked Proxy': () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    return proxy
  },
  'a revoked Proxy of a function': () => {
    const { proxy, revoke } = Proxy.revocable(() => undefined, {})
    revoke()
    return proxy
  },
  'a symbol': () => Symbol('thrown'),
  undefined: () => undefined,
  null: () => null,
  'a huge text': () => 'x'.repeat(10_000_000),
  'an Error with a huge message': () => new Error('y'.repeat(10_000_000)),
  'an Error that is its own cause': () => {
    const error = new Error('round')
    error.cause = error
    return error
  },
  'a bigint': () => 1n,
  'a function': () => () => undefined,
}

function thrown(): never {
  throw Object.create(null)
}

function every(trap: () => never): ProxyHandler<object> {
  return {
    get: trap,
    has: trap,
    getPrototypeOf: trap,
    ownKeys: trap,
    getOwnPropertyDescriptor: trap,
  }
}
